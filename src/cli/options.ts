/** Options that commands share, and how their values are read. Everything arrives as text: nothing is guessed. */
import type { Argv } from 'yargs'
import { formatDurationMs, parseDurationMs } from '../kernel/duration.ts'
import { parseSizeBytes } from '../kernel/size.ts'
import { UsageError } from './failureReport.ts'
import type { Format } from './output.ts'

export const DEFAULT_URL = 'http://127.0.0.1:8080'

/** Options of every command that asks a broker. */
export interface BrokerOptions {
  readonly url: string | undefined
}

/** How a broker lets one in, and how it is known; for every command that asks one. */
export interface AccessOptions {
  readonly apiKey: string | undefined
  readonly caFile: string | undefined
}

export const brokerOptions = <T>(yargs: Argv<T>) =>
  yargs
    .option('url', {
      describe: `The broker's URL [GOQUEUE_URL, else ${DEFAULT_URL}]`,
      coerce: text('url'),
      requiresArg: true,
    })
    .option('api-key', {
      describe: 'The API key, where the broker asks for one; better in GOQUEUE_API_KEY',
      coerce: text('api-key'),
      requiresArg: true,
    })
    .option('ca-file', {
      describe: 'Certificates in PEM that an https URL is checked against [GOQUEUE_CA_FILE]',
      coerce: text('ca-file'),
      requiresArg: true,
    })

/** Those of a command line, where its command has them. */
export const accessOf = (argv: Readonly<Record<string, unknown>>): AccessOptions => ({
  apiKey: given(argv['api-key']),
  caFile: given(argv['ca-file']),
})

const given = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined

export const formatOption = <T>(yargs: Argv<T>) =>
  yargs.option('output', {
    alias: 'o',
    describe: 'table or json [table on a terminal, else json]',
    coerce: (value: unknown): Format => oneOf('output', ['table', 'json'], value),
    requiresArg: true,
  })

/** The value of an option that may be given once. */
export function text(name: string): (value: unknown) => string | undefined {
  return (value) => {
    if (Array.isArray(value)) throw new UsageError(`--${name} is given more than once`)
    return value === undefined ? undefined : String(value)
  }
}

export interface IntegerBounds {
  readonly min: number
  readonly max: number
}

export function integer(
  name: string,
  { min, max }: IntegerBounds,
): (value: unknown) => number | undefined {
  return (value) => {
    const given = text(name)(value)
    if (given === undefined) return undefined
    const parsed = /^\d+$/.test(given) ? Number(given) : Number.NaN
    if (parsed >= min && parsed <= max) return parsed
    const range = max === Number.MAX_SAFE_INTEGER ? `from ${min} on` : `${min} to ${max}`
    throw new UsageError(`--${name} must be a whole number, ${range}, not "${given}"`)
  }
}

export function oneOf<const T extends string>(
  name: string,
  choices: readonly T[],
  value: unknown,
): T {
  const given = text(name)(value)
  const chosen = choices.find((choice) => choice === given)
  if (chosen !== undefined) return chosen
  throw new UsageError(`--${name} must be one of ${choices.join(', ')}, not "${given}"`)
}

export interface DurationBounds {
  readonly minMs: number
  readonly maxMs: number
}

/** Milliseconds. */
export function duration(
  name: string,
  { minMs, maxMs }: DurationBounds,
): (value: unknown) => number | undefined {
  return (value) => {
    const given = text(name)(value)
    if (given === undefined) return undefined
    const parsed = parseDurationMs(given)
    if (parsed !== undefined && parsed >= minMs && parsed <= maxMs) return parsed
    const range = `${formatDurationMs(minMs)} to ${formatDurationMs(maxMs)}`
    throw new UsageError(`--${name} must be a duration, ${range}, not "${given}"`)
  }
}

/** Milliseconds; `none` is null. */
export function durationOrNone(name: string): (value: unknown) => number | null | undefined {
  return (value) => {
    const given = text(name)(value)
    if (given === undefined) return undefined
    if (given === 'none') return null
    const parsed = parseDurationMs(given)
    if (parsed !== undefined) return parsed
    throw new UsageError(`--${name} must be a duration such as 30s, 12h or 7d, or none`)
  }
}

/** Bytes. */
export function size(name: string): (value: unknown) => number | undefined {
  return (value) => {
    const given = text(name)(value)
    if (given === undefined) return undefined
    const parsed = parseSizeBytes(given)
    if (parsed !== undefined) return parsed
    throw new UsageError(`--${name} must be a size such as 64MiB or 64MB, not "${given}"`)
  }
}

/** Bytes; `none` is null. */
export const sizeOrNone =
  (name: string) =>
  (value: unknown): number | null | undefined =>
    text(name)(value) === 'none' ? null : size(name)(value)
