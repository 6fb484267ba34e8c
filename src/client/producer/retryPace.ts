/** When a partition's failed batches are sent again: later with each round of attempts that failed. */
import type { BrokerError } from '../../kernel/errors.ts'
import { backoffMs } from '../backoff.ts'
import type { ProducerSettings } from './options.ts'

export class RetryPace {
  readonly #settings: ProducerSettings
  /** Rounds of attempts in a row that failed. */
  #failures = 0
  #nextMs = 0

  constructor(settings: ProducerSettings) {
    this.#settings = settings
  }

  /** When the next attempt is due, by the monotonic clock. */
  get nextMs(): number {
    return this.#nextMs
  }

  succeeded(): void {
    this.#failures = 0
  }

  /** Attempts under way together that fail together are one failure. */
  failed({ retryAfterMs = 0 }: BrokerError): void {
    const { clock, retryBackoffMs, retryBackoffMaxMs, random } = this.#settings
    const nowMs = clock.monotonicMs()
    let delayMs = retryAfterMs
    if (nowMs >= this.#nextMs) {
      this.#failures += 1
      const backoff = { baseMs: retryBackoffMs, maxMs: retryBackoffMaxMs }
      delayMs = Math.max(delayMs, backoffMs(backoff, this.#failures, random))
    }
    this.#nextMs = Math.max(this.#nextMs, nowMs + delayMs)
  }
}
