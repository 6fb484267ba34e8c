/** Collects messages into batches and publishes them one after the other, so that their order is that of the input. */
import type { BatchBuilder, RawPublishReply, Records } from '../client/index.ts'

const BATCH_RECORDS_MAX = 1000
const BATCH_BYTES_MAX = 512 * 1024

export type OutgoingMessage = Parameters<BatchBuilder['add']>[0]

export interface PartitionTally {
  first: number
  last: number
  count: number
}

export interface SenderOptions {
  readonly records: Records
  readonly makeBuilder: () => BatchBuilder
  readonly topic: string
  readonly partition: number | undefined
  readonly acks: 'none' | 'leader' | 'all' | undefined
}

export class BatchSender {
  messages = 0
  durability: RawPublishReply['durability'] | undefined
  /** What went where, by partition. */
  readonly partitions = new Map<number, PartitionTally>()
  readonly #options: SenderOptions
  #builder: BatchBuilder

  constructor(options: SenderOptions) {
    this.#options = options
    this.#builder = options.makeBuilder()
  }

  /** Resolves when there is room for the next message. */
  async add(message: OutgoingMessage): Promise<void> {
    this.#builder.add(message)
    const isFull = this.#builder.count >= BATCH_RECORDS_MAX
    if (isFull || this.#builder.length >= BATCH_BYTES_MAX) await this.flush()
  }

  /**
   * Resolves when everything added so far was acknowledged; rejects where it was not. Ctrl-C does not cut it off:
   * what was sent is counted.
   */
  async flush(): Promise<void> {
    if (this.#builder.count === 0) return
    const { records, topic, partition, acks } = this.#options
    const batch = this.#builder.take()
    const reply = await records.publish({ topic, batch, partition, acks })
    this.messages += batch.count
    this.durability = reply.durability
    for (const run of reply.results) this.#count(run.partition, run.offset, run.count)
  }

  #count(partition: number, first: number, count: number): void {
    const last = first + count - 1
    const tally = this.partitions.get(partition)
    if (tally === undefined) {
      this.partitions.set(partition, { first, last, count })
    } else {
      tally.last = last
      tally.count += count
    }
  }
}
