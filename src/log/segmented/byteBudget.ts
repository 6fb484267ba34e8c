/** A bound on bytes that wait, shared by all logs of an engine. */
import { BrokerError } from '../../kernel/errors.ts'

const RETRY_AFTER_MS = 100

export class ByteBudget {
  readonly #maxBytes: number
  #usedBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  /** Throws BROKER_OVERLOADED where `bytes` more are too many; whatever its size, the first is let in. */
  take(bytes: number): void {
    if (this.#usedBytes > 0 && this.#usedBytes + bytes > this.#maxBytes) {
      throw new BrokerError('BROKER_OVERLOADED', `${this.#usedBytes} bytes wait to be written`, {
        retryAfterMs: RETRY_AFTER_MS,
      })
    }
    this.#usedBytes += bytes
  }

  giveBack(bytes: number): void {
    this.#usedBytes -= bytes
  }
}
