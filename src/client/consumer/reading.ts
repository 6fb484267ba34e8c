/**
 * What all consumers have in common: a feed, ways to hand out what it brings, and a life.
 *
 *   new ──first use──▶ starting ──▶ reading ──close(), abort or failure──▶ closed
 */
import { FETCH_TYPE } from '../../api/index.ts'
import { BrokerError } from '../../kernel/errors.ts'
import { type Asker, pathOf } from '../connection.ts'
import { persist } from '../trying.ts'
import type { PartitionCursor, TopicPartition } from './cursor.ts'
import {
  type BatchHandler,
  type BatchRunOptions,
  Delivery,
  type MessageHandler,
  type RunOptions,
} from './delivery.ts'
import { Feed, type FeedHost, type FetchRequest } from './feed.ts'
import type { ConsumedMessage } from './message.ts'
import { type ReadingOptions, type ReadingSettings, readingSettings } from './options.ts'

/** A place in a partition: the offset of the next message. */
export interface Position extends TopicPartition {
  readonly offset: number
}

export abstract class ReadingConsumer implements FeedHost {
  readonly settings: ReadingSettings
  abstract readonly fetchesNothing: boolean
  protected readonly asker: Asker
  protected readonly feed: Feed
  /** Aborted when the consumer is about to close. */
  protected readonly closing = new AbortController()
  readonly #delivery: Delivery
  #starting: Promise<void> | undefined
  #closed: Promise<void> | undefined
  failure: Error | undefined

  constructor(asker: Asker, options: ReadingOptions) {
    this.asker = asker
    this.settings = readingSettings(options)
    this.feed = new Feed(this)
    this.#delivery = new Delivery(this.feed, this)
    const { signal } = this.settings
    if (signal?.aborted) void this.close()
    signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** Finds out what to read and where to begin. */
  protected abstract begin(): Promise<void>
  /** No handler is at work any more; nothing is fetched. */
  protected abstract end(): Promise<void>
  abstract fetch(request: FetchRequest): Promise<Buffer | undefined>
  abstract refused(cursor: PartitionCursor, error: BrokerError): boolean

  /** Bytes that came and that no handler is done with; at most `prefetchBytes`. */
  get bufferedBytes(): number {
    return this.feed.bufferedBytes
  }

  /** The partitions that are read, each with the offset below which everything is processed. */
  get positions(): readonly Position[] {
    return this.feed.cursors.all().map(positionOf)
  }

  /**
   * Resolves when the consumer reads; is called by whatever hands messages out. Keeps trying while the broker is away.
   * Rejects with CLIENT_CLOSED, and with what the broker says for good: TOPIC_NOT_FOUND, GROUP_MODE_CONFLICT, …
   */
  start(): Promise<void> {
    this.#starting ??= this.#start()
    return this.#starting
  }

  /**
   * Hands out one message at a time; of several partitions at once with `concurrency`. Resolves when the consumer is
   * closed. Rejects with what a handler throws: that message is handed out again by the next call; the consumer stays
   * open. Do not wait for close() inside a handler: it waits for the handlers.
   */
  eachMessage(handler: MessageHandler, options: RunOptions = {}): Promise<void> {
    return this.#delivery.eachMessage(handler, options)
  }

  /** As {@link eachMessage}, with the messages of one partition that are there together. */
  eachBatch(handler: BatchHandler, options: BatchRunOptions = {}): Promise<void> {
    return this.#delivery.eachBatch(handler, options)
  }

  /** `for await`: ends when the consumer is closed. The message at which the loop is left is not processed. */
  [Symbol.asyncIterator](): AsyncIterableIterator<ConsumedMessage> {
    return this.#delivery.iterate()
  }

  /** Hands out nothing more of these partitions until resume(); what was fetched of them is dropped. */
  pause(partitions: readonly TopicPartition[]): void {
    for (const cursor of this.#cursorsOf(partitions)) {
      cursor.isPaused = true
      cursor.rewind()
    }
    this.feed.refetch()
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const cursor of this.#cursorsOf(partitions)) cursor.isPaused = false
    this.feed.refetch()
  }

  /** Goes on from another offset. Throws NOT_ASSIGNED where the partition is not this consumer's. */
  seek({ topic, partition, offset }: Position): void {
    const [cursor] = this.#cursorsOf([{ topic, partition }])
    cursor?.moveTo(offset)
    this.feed.refetch()
  }

  /**
   * Goes on from the first message at or after a time (milliseconds since 1970), or from the end. Resolves with where
   * that is. Default: all partitions.
   */
  async seekToTime(
    timeMs: number,
    partitions: readonly TopicPartition[] = this.positions,
  ): Promise<readonly Position[]> {
    const cursors = this.#cursorsOf(partitions)
    const offsets = await Promise.all(cursors.map((cursor) => this.offsetAtTime(cursor, timeMs)))
    for (const [i, cursor] of cursors.entries()) cursor.moveTo(offsets[i] ?? cursor.delivered)
    this.feed.refetch()
    return cursors.map(positionOf)
  }

  /** Waits for the handlers, then gives everything back. Resolves when no timer and no request is left. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  failed(error: Error): void {
    // What was given up because the consumer closes is no reason why it ended.
    if ((error as BrokerError).code !== 'CLIENT_CLOSED') this.failure ??= error
    void this.close()
  }

  protected async offsetAtTime(
    { topic, partition }: TopicPartition,
    timeMs: number,
  ): Promise<number> {
    const reply = await this.askJson({
      method: 'GET',
      path: pathOf('topics', topic, 'partitions', partition, 'offset'),
      query: { time: new Date(timeMs).toISOString() },
    })
    return (reply as { readonly offset: number }).offset
  }

  protected async askJson(ask: Parameters<Asker['ask']>[0]): Promise<unknown> {
    const timeoutMs = this.settings.requestTimeoutMs
    const { body } = await this.asker.ask({ timeoutMs, ...ask })
    return JSON.parse(body.toString()) as unknown
  }

  /** The bytes of a fetch and whether the broker says that the group rebalances. */
  protected async askFetch(path: string, request: FetchRequest, more: object) {
    const { cursors, maxBytes, waitMs, signal } = request
    const reads = cursors.map(({ topic, partition, fetched }) => ({
      topic,
      partition,
      offset: fetched,
    }))
    return await this.asker.ask({
      method: 'POST',
      path,
      json: { reads, max_bytes: maxBytes, timeout: waitMs, ...more },
      accept: FETCH_TYPE,
      timeoutMs: this.settings.requestTimeoutMs + waitMs,
      signal,
    })
  }

  /** Tries until it works, the broker refuses for good, or the consumer closes. */
  protected async persist<T>(what: string, work: () => Promise<T>): Promise<T> {
    const { signal } = this.closing
    const first = (error: BrokerError): void => {
      this.settings.onWarning({ code: 'FETCH_FAILED', message: `${what}: ${error.message}`, error })
    }
    try {
      return await persist(this.settings, work, { signal, first })
    } catch (error) {
      throw signal.aborted ? closedError() : error
    }
  }

  async #start(): Promise<void> {
    if (this.closing.signal.aborted) throw closedError()
    try {
      await this.begin()
    } catch (error) {
      this.#starting = undefined
      throw this.closing.signal.aborted ? closedError() : error
    }
    if (!this.closing.signal.aborted) this.feed.start()
  }

  async #close(): Promise<void> {
    this.closing.abort()
    this.settings.signal?.removeEventListener('abort', this.#onAbort)
    for (const cursor of this.feed.cursors.all()) cursor.leave()
    await this.feed.close()
    await this.#starting?.catch(() => undefined)
    await this.#delivery.ended()
    await this.end()
  }

  readonly #onAbort = (): void => void this.close()

  #cursorsOf(partitions: readonly TopicPartition[]): PartitionCursor[] {
    return partitions.map((place) => {
      const cursor = this.feed.cursors.get(place)
      if (cursor !== undefined) return cursor
      const name = `${place.topic}-${place.partition}`
      throw new BrokerError('NOT_ASSIGNED', `${name} is not read by this consumer`)
    })
  }
}

export const positionOf = ({ topic, partition, processed }: PartitionCursor): Position => ({
  topic,
  partition,
  offset: processed,
})

const closedError = (): BrokerError => new BrokerError('CLIENT_CLOSED', 'the consumer is closed')
