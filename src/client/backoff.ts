/** How long to wait before trying again: doubled with each failure up to a bound, then spread by chance. */
export interface Backoff {
  /** Wait after the first failure, in milliseconds. */
  readonly baseMs: number
  /** Longest wait, in milliseconds, before the spread. */
  readonly maxMs: number
}

/** Up to this part more or less, so that many clients do not come back in step. */
const JITTER = 0.2
const DOUBLINGS_MAX = 30

/** Milliseconds to wait after the `failures`-th failure in a row (from 1). */
export function backoffMs(backoff: Backoff, failures: number, random: () => number): number {
  const doublings = Math.min(Math.max(failures - 1, 0), DOUBLINGS_MAX)
  const delayMs = Math.min(backoff.baseMs * 2 ** doublings, backoff.maxMs)
  return delayMs * (1 + JITTER * (2 * random() - 1))
}
