/**
 * When a message is to be delivered. Delays run from the call of send(), by the wall clock of this machine; the broker
 * delivers by its own.
 */
import { parseTimeMs } from '../../api/index.ts'
import { parseDurationMs } from '../../kernel/duration.ts'
import { BrokerError } from '../../kernel/errors.ts'

/** One of the three, or none: at once. What is zero or past is at once too. */
export interface When {
  /** Milliseconds from now. */
  readonly delayMs?: number | undefined
  /** As {@link delayMs}, also written `30m`, `1h30m`, `2d`. */
  readonly delay?: string | number | undefined
  /** A date, an RFC 3339 time, or milliseconds since 1970. */
  readonly deliverAt?: Date | string | number | undefined
}

/** The last moment that a Date can hold. */
const DUE_MS_MAX = 8.64e15
const DELAY_MS_MAX = DUE_MS_MAX / 2

export const hasWhen = ({ delayMs, delay, deliverAt }: When): boolean =>
  deliverAt !== undefined || delay !== undefined || delayMs !== undefined

/** Why that is no time to deliver at; undefined where it is one. */
export function whenProblem(when: When): string | undefined {
  const { delayMs, delay, deliverAt } = when
  const given = count(delayMs) + count(delay) + count(deliverAt)
  if (given > 1) return 'of delayMs, delay and deliverAt one at most'
  if (delayMs !== undefined && !(Number.isFinite(delayMs) && delayMs >= 0)) {
    return `delayMs is not a number from 0: ${String(delayMs)}`
  }
  if (delay !== undefined && parseDurationMs(delay) === undefined) {
    return `delay is not a duration such as 30s, 5m or 1h30m: ${String(delay)}`
  }
  if (deliverAt !== undefined && !Number.isFinite(timeOf(deliverAt))) {
    return `deliverAt is not a time such as 2030-01-31T12:00:00Z: ${String(deliverAt)}`
  }
  const max = deliverAt === undefined ? DELAY_MS_MAX : DUE_MS_MAX
  return dueMsOf(when, 0) > max ? 'it is beyond the last day there is' : undefined
}

/** The moment in milliseconds since 1970; `nowMs` where it names none. Of a good {@link When} only. */
export function dueMsOf({ delayMs, delay, deliverAt }: When, nowMs: number): number {
  if (deliverAt !== undefined) return Math.ceil(timeOf(deliverAt))
  return Math.ceil(nowMs + (delayMs ?? parseDurationMs(delay ?? 0) ?? 0))
}

/** What the broker is told of a new time. Throws INVALID_REQUEST. */
export function whenJson(when: When): { readonly deliverAt: string } | { readonly delay: number } {
  const problem = hasWhen(when) ? whenProblem(when) : 'no delay and no time'
  if (problem !== undefined) throw new BrokerError('INVALID_REQUEST', problem)
  if (when.deliverAt === undefined) return { delay: dueMsOf(when, 0) }
  return { deliverAt: new Date(dueMsOf(when, 0)).toISOString() }
}

const count = (given: unknown): number => (given === undefined ? 0 : 1)

function timeOf(time: Date | string | number): number {
  if (time instanceof Date) return time.getTime()
  if (typeof time === 'number') return time
  return parseTimeMs(time) ?? Number.NaN
}
