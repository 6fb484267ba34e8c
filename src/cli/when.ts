/** Moments to come, as options name them: an RFC 3339 time, or a duration from now on. */
import type { Argv } from 'yargs'
import { parseTimeMs } from '../api/index.ts'
import type { When } from '../client/index.ts'
import { parseDurationMs } from '../kernel/duration.ts'
import { UsageError } from './failureReport.ts'
import { text } from './options.ts'

export interface WhenOptions {
  /** Milliseconds. */
  readonly delay?: number | undefined
  /** Milliseconds since 1970. */
  readonly deliverAt?: number | undefined
}

/** `--delay` or `--deliver-at`, not both. */
export const whenOptions = <T>(yargs: Argv<T>) =>
  yargs
    .option('delay', {
      describe: 'Deliver it so much later: 250ms, 30m, 1h30m, 7d',
      coerce: delayOption,
      requiresArg: true,
    })
    .option('deliver-at', {
      describe: 'Deliver it at this time (RFC 3339); what is past is delivered at once',
      coerce: deliverAtOption,
      requiresArg: true,
    })
    .conflicts('delay', 'deliver-at')

export const whenOf = ({ delay, deliverAt }: WhenOptions): When => ({ delayMs: delay, deliverAt })

function delayOption(value: unknown): number | undefined {
  const given = text('delay')(value)
  const delayMs = given === undefined ? undefined : parseDurationMs(given)
  if (given === undefined || delayMs !== undefined) return delayMs
  throw new UsageError(`--delay must be a duration such as 250ms, 30m or 1h30m, not "${given}"`)
}

function deliverAtOption(value: unknown): number | undefined {
  const given = text('deliver-at')(value)
  const timeMs = given === undefined ? undefined : parseTimeMs(given.trim())
  if (given === undefined || timeMs !== undefined) return timeMs
  throw new UsageError(
    `--deliver-at must be a time such as 2026-01-31T12:00:00Z, not "${given}"`,
    '--delay takes a duration from now',
  )
}

/** A time, or a duration from now on, in milliseconds since 1970. */
export function momentAhead(name: string): (value: unknown) => number | undefined {
  return (value) => {
    const given = text(name)(value)?.trim()
    if (given === undefined) return undefined
    const aheadMs = parseDurationMs(given)
    const timeMs = aheadMs === undefined ? parseTimeMs(given) : Date.now() + aheadMs
    if (timeMs !== undefined) return timeMs
    const example = 'a time such as 2026-01-31T12:00:00Z or a duration from now such as 2h'
    throw new UsageError(`--${name} must be ${example}, not "${given}"`)
  }
}
