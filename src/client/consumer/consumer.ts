/** Reads a topic, or some of its partitions, from a place of its own choice: no group, nothing is committed. */

import type { TopicReply } from '../../api/index.ts'
import type { BrokerError } from '../../kernel/errors.ts'
import { type Asker, pathOf } from '../connection.ts'
import { PartitionCursor } from './cursor.ts'
import type { FetchRequest } from './feed.ts'
import type { ReadingOptions } from './options.ts'
import { ReadingConsumer } from './reading.ts'

/** An offset counts for every partition that is read; a time is in milliseconds since 1970. */
export type StartAt =
  | 'earliest'
  | 'latest'
  | { readonly offset: number }
  | { readonly time: number }

export interface ConsumerOptions extends ReadingOptions {
  readonly topic: string
  /** Default: all. */
  readonly partitions?: readonly number[]
  /** Default `earliest`. */
  readonly from?: StartAt
}

export class Consumer extends ReadingConsumer {
  readonly fetchesNothing = false
  readonly #topic: string
  readonly #partitions: readonly number[] | undefined
  readonly #from: StartAt

  /** Asks the broker nothing yet. The connection stays the caller's to close. Throws INVALID_CONFIG. */
  constructor(
    connection: Asker,
    { topic, partitions, from = 'earliest', ...rest }: ConsumerOptions,
  ) {
    super(connection, rest)
    this.#topic = topic
    this.#partitions = partitions
    this.#from = from
  }

  async fetch(request: FetchRequest): Promise<Buffer | undefined> {
    return (await this.askFetch('/fetch', request, {})).body
  }

  /** What is not there will not come back under this name with these offsets. */
  refused(_cursor: PartitionCursor, error: BrokerError): boolean {
    if (error.code !== 'TOPIC_NOT_FOUND' && error.code !== 'PARTITION_NOT_FOUND') return false
    this.failed(error)
    return true
  }

  protected async begin(): Promise<void> {
    const cursors = await this.persist(`cannot read ${this.#topic}`, () => this.#cursors())
    for (const cursor of cursors) this.feed.cursors.add(cursor)
  }

  protected async end(): Promise<void> {
    // Nothing was promised to anybody.
  }

  async #cursors(): Promise<PartitionCursor[]> {
    const path = pathOf('topics', this.#topic)
    const reply = (await this.askJson({ method: 'GET', path })) as TopicReply
    const partitions =
      this.#partitions ?? Array.from({ length: reply.partitions }, (_, partition) => partition)
    return await Promise.all(
      partitions.map(async (partition) => {
        const offset = await this.#startOf(partition, reply)
        return new PartitionCursor(this.#topic, partition, offset)
      }),
    )
  }

  async #startOf(partition: number, { partition_offsets }: TopicReply): Promise<number> {
    const from = this.#from
    if (typeof from === 'string') return partition_offsets[partition]?.[from] ?? 0
    if ('offset' in from) return from.offset
    return await this.offsetAtTime({ topic: this.#topic, partition }, from.time)
  }
}
