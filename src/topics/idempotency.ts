/**
 * Requests that name themselves: the same key within the window is one request, however often it comes.
 *
 * Twice kept. Here, for ten minutes, with the whole answer: the usual repetition ends here, also one that comes
 * while the first is under way. And in the log: the first record of each batch carries the request in its producer
 * section, so that a repetition after a crash finds what was stored, partition by partition.
 *
 *   producer id = 2^52 + 52 bits of the key's hash     above the ids that clients choose
 *   sequence    = checksum of the body                 another one under the same id is another request
 */
import { BrokerError } from '../kernel/errors.ts'
import { MINUTE_MS } from '../kernel/units.ts'
import { keyHash, type WireProducer } from '../record/index.ts'
import { FIRST_REQUEST_ID } from './producers.ts'
import type { PublishOutcome } from './types.ts'

export interface RequestIdentity {
  /** What the caller calls the request: 1 to 255 characters. */
  readonly key: string
  /** Checksum of the request's body, 32 bits. */
  readonly bodyChecksum: number
}

interface KnownRequest {
  readonly bodyChecksum: number
  readonly outcome: Promise<PublishOutcome>
  readonly expiresMs: number
}

/** How long a request is remembered after it came, in milliseconds: ten minutes. */
export const IDEMPOTENCY_WINDOW_MS = 10 * MINUTE_MS
/** Requests remembered per topic; the oldest is forgotten first. */
const REQUESTS_MAX = 100_000

export class IdempotencyWindow {
  readonly #known = new Map<string, KnownRequest>()

  /**
   * The outcome of `publish`, or of the earlier request of that name. Rejects with IDEMPOTENCY_CONFLICT where that one
   * had another body. A request that failed is forgotten, so that it may be tried again.
   */
  async once(
    { key, bodyChecksum }: RequestIdentity,
    nowMs: number,
    publish: () => Promise<PublishOutcome>,
  ): Promise<PublishOutcome> {
    this.#forget(nowMs)
    const known = this.#known.get(key)
    if (known !== undefined) {
      if (known.bodyChecksum !== bodyChecksum) throw conflict(key)
      return asDuplicate(await known.outcome)
    }
    const outcome = publish()
    this.#known.set(key, { bodyChecksum, outcome, expiresMs: nowMs + IDEMPOTENCY_WINDOW_MS })
    try {
      return await outcome
    } catch (error) {
      this.#known.delete(key)
      throw error
    }
  }

  #forget(nowMs: number): void {
    for (const [key, { expiresMs }] of this.#known) {
      if (expiresMs > nowMs && this.#known.size <= REQUESTS_MAX) return
      this.#known.delete(key)
    }
  }
}

/** Who the log believes to have sent the request. */
export function producerOf({ key, bodyChecksum }: RequestIdentity): WireProducer {
  const high = keyHash(`${key}/1`) & 0xf_ffff
  return {
    producerId: FIRST_REQUEST_ID + high * 2 ** 32 + keyHash(key),
    epoch: 0,
    baseSequence: bodyChecksum,
  }
}

export const conflict = (key: string): BrokerError =>
  new BrokerError(
    'IDEMPOTENCY_CONFLICT',
    `the idempotency key ${JSON.stringify(key)} was used for another request`,
  )

const asDuplicate = (outcome: PublishOutcome): PublishOutcome => ({
  ...outcome,
  runs: outcome.runs.map((run) => ({ ...run, duplicate: true })),
})
