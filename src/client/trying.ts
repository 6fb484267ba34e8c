/** Trying again: what may work the next time, and how long to wait for it. */
import { BrokerError } from '../kernel/errors.ts'
import type { Clock } from '../kernel/platform.ts'
import { backoffMs } from './backoff.ts'
import { pause } from './pause.ts'

export interface TryingSettings {
  readonly clock: Clock
  readonly random: () => number
  /** Wait after the first failure, in milliseconds; doubled up to the other. */
  readonly retryBackoffMs: number
  readonly retryBackoffMaxMs: number
}

/** Also of what may have been done although nobody said so. */
export const mayPass = (error: unknown): error is BrokerError =>
  error instanceof BrokerError && (error.retryable || error.code === 'OUTCOME_UNKNOWN')

/** Resolves after the `failures`-th failure in a row when it may be tried again, at the latest as `signal` aborts. */
export async function waitToRetry(
  settings: TryingSettings,
  failures: number,
  { retryAfterMs = 0 }: BrokerError,
  signal: AbortSignal,
): Promise<void> {
  const { clock, random, retryBackoffMs: baseMs, retryBackoffMaxMs: maxMs } = settings
  const delayMs = backoffMs({ baseMs, maxMs }, failures, random)
  await pause(clock, Math.max(delayMs, retryAfterMs), signal)
}

export interface Attempts {
  /** No further try once it aborts. */
  readonly signal: AbortSignal
  /** Told of the first failure, where there is to be a second try. */
  readonly first: (error: BrokerError) => void
}

/** Tries until it works, is refused for good, or `signal` aborts; rejects with what it failed with last. */
export async function persist<T>(
  settings: TryingSettings,
  work: () => Promise<T>,
  { signal, first }: Attempts,
): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await work()
    } catch (error) {
      if (!mayPass(error)) throw error
      if (failures === 1) first(error)
      await waitToRetry(settings, failures, error, signal)
      if (signal.aborted) throw error
    }
  }
}
