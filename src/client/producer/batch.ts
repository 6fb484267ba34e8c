/**
 * Messages of one partition on their way together, and who waits for them.
 *
 *   building    takes messages; one per partition
 *   ready       takes no more and waits for its turn
 *   flying      sent, no answer yet
 *   failed      answered with an error that passes, or not at all: to be sent again, byte for byte
 *   settled     stored or given up; everybody who waited was told
 *
 * A share is what one call of send() or sendBatch() has in a batch: messages side by side. It is told once.
 */
import type { BrokerError } from '../../kernel/errors.ts'
import { WireBatchBuilder, type WireProducer } from '../../record/index.ts'
import type { Flush } from './flush.ts'
import type { ClientDurability } from './message.ts'

/** Where a batch was stored. */
export interface Stored {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly durability: ClientDurability
  /** In the partition's delay log. */
  readonly delayed: boolean
}

export interface Share {
  stored(where: Stored): void
  failed(error: BrokerError): void
}

export type BatchState = 'building' | 'ready' | 'flying' | 'failed' | 'settled'

export interface BatchPlan {
  /** Bytes to begin with. */
  readonly capacityBytes: number
  readonly idempotent: boolean
  /** Monotonic time from which it is due for lingering long enough. */
  readonly dueMs: number
  /** Monotonic time at which it is given up. */
  readonly deadlineMs: number
}

export class ProducerBatch {
  readonly builder: WireBatchBuilder
  readonly shares: Share[] = []
  readonly dueMs: number
  readonly deadlineMs: number
  state: BatchState = 'building'
  /** Large enough, or with a message that does not wait: due whatever dueMs says. */
  isDue = false
  /** Who it is sent as; set when it is sent for the first time and again for a new epoch. */
  producer: WireProducer | undefined
  wire: Buffer | undefined
  /** Counts the partition's batches as they are sent for the first time. */
  order = 0
  /** True where an attempt ended without an answer: the batch may have been stored. */
  isUncertain = false
  /** Everything before it was settled when the last attempt began: what is missing then, is a gap. */
  wasFirst = false
  /** The answer to such an attempt was that something before it is missing. */
  isRefused = false
  lastError: BrokerError | undefined
  flushes: Flush[] | undefined

  constructor({ capacityBytes, idempotent, dueMs, deadlineMs }: BatchPlan) {
    this.builder = new WireBatchBuilder(capacityBytes, idempotent)
    this.dueMs = dueMs
    this.deadlineMs = deadlineMs
  }

  get count(): number {
    return this.builder.count
  }

  /** Fills in who sends it. */
  seal(producer: WireProducer | undefined): void {
    this.producer = producer
    this.wire = this.builder.seal(producer)
  }

  stored(where: Stored): void {
    this.state = 'settled'
    for (const share of this.shares) share.stored(where)
    this.#leaveFlushes()
  }

  failed(error: BrokerError): void {
    this.state = 'settled'
    for (const share of this.shares) share.failed(error)
    this.#leaveFlushes()
  }

  join(flush: Flush): void {
    if (this.flushes?.includes(flush)) return
    this.flushes ??= []
    this.flushes.push(flush)
    flush.enter()
  }

  #leaveFlushes(): void {
    for (const flush of this.flushes ?? []) flush.leave()
  }
}
