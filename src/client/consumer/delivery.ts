/**
 * Hands messages out, in one of three ways; one at a time.
 *
 * Within a partition messages are handed out in order, the next when the handler is done with the one before. A
 * message counts as processed when its handler has returned; in a `for await` loop, when the next one is asked for.
 */
import { BrokerError } from '../../kernel/errors.ts'
import type { Chunk } from './chunk.ts'
import type { Feed } from './feed.ts'
import type { ConsumedMessage } from './message.ts'

export interface HandlerContext {
  /** Aborted when the partition is taken away or the consumer closes: what is left undone is done elsewhere. */
  readonly signal: AbortSignal
}

/** Messages of one partition, in order. */
export interface MessageBatch {
  readonly topic: string
  readonly partition: number
  /** At least one. */
  readonly messages: readonly ConsumedMessage[]
  /** The next offset to be written when the batch was read: what is missing to it is the lag. */
  readonly highWatermark: number
}

export type MessageHandler = (message: ConsumedMessage, context: HandlerContext) => unknown
export type BatchHandler = (batch: MessageBatch, context: HandlerContext) => unknown

export interface RunOptions {
  /** Partitions worked on at once; within each, order is kept. Default 1. */
  readonly concurrency?: number
}

export interface BatchRunOptions extends RunOptions {
  /** Most messages of one batch. Default: as many as came, up to `fetchBytes`. */
  readonly maxMessages?: number
}

/** Handles what came of one partition until `isOver`; resolves to true when it is done with all of it. */
type Work = (
  chunk: Chunk,
  messages: readonly ConsumedMessage[],
  isOver: () => boolean,
) => Promise<boolean>

/** What a consumer says of itself to those who hand its messages out. */
export interface DeliveryHost {
  /** Resolves when the consumer reads. */
  start(): Promise<void>
  /** Why it ended, where it did not end by itself. */
  readonly failure: Error | undefined
}

export class Delivery {
  readonly #feed: Feed
  readonly #host: DeliveryHost
  #run: Promise<void> | undefined

  constructor(feed: Feed, host: DeliveryHost) {
    this.#feed = feed
    this.#host = host
  }

  /** Resolves when no handler is at work; a `for await` loop is not waited for. */
  async ended(): Promise<void> {
    await this.#run?.catch(() => undefined)
  }

  eachMessage(handler: MessageHandler, { concurrency = 1 }: RunOptions): Promise<void> {
    return this.#start(concurrency, (chunk, messages, isOver) =>
      this.#oneByOne(handler, chunk, messages, isOver),
    )
  }

  eachBatch(handler: BatchHandler, options: BatchRunOptions): Promise<void> {
    const { concurrency = 1, maxMessages = Number.MAX_SAFE_INTEGER } = options
    if (maxMessages < 1) throw new BrokerError('INVALID_CONFIG', 'maxMessages must be at least 1')
    return this.#start(concurrency, (chunk, messages, isOver) =>
      this.#inBatches(handler, chunk, slicesOf(messages, maxMessages), isOver),
    )
  }

  iterate(): AsyncIterableIterator<ConsumedMessage> {
    return new MessageIterator(this.#feed, this.#host)
  }

  async #start(concurrency: number, work: Work): Promise<void> {
    if (this.#run !== undefined) {
      throw new BrokerError('INVALID_REQUEST', 'the consumer runs already')
    }
    this.#run = started(this.#host, this.#feed).then(() => this.#workers(concurrency, work))
    try {
      await this.#run
    } finally {
      this.#run = undefined
    }
    if (this.#host.failure !== undefined) throw this.#host.failure
  }

  /** When one fails the others finish what they have. */
  async #workers(concurrency: number, work: Work): Promise<void> {
    let isOver = false
    const worker = async (): Promise<void> => {
      try {
        await this.#worker(work, () => isOver)
      } finally {
        isOver = true
        this.#feed.nudge()
      }
    }
    const ended = await Promise.allSettled(Array.from({ length: concurrency }, worker))
    for (const end of ended) if (end.status === 'rejected') throw end.reason
  }

  async #worker(work: Work, isOver: () => boolean): Promise<void> {
    for (;;) {
      const chunk = await this.#feed.take(isOver)
      if (chunk === undefined) return
      try {
        const messages = decoded(this.#feed, chunk)
        const isDone = messages !== undefined && (await work(chunk, messages, isOver))
        if (isDone) finish(chunk)
        else if (!chunk.isStale) redeliver(this.#feed, chunk)
      } catch (error) {
        redeliver(this.#feed, chunk)
        throw error
      } finally {
        this.#feed.done(chunk)
      }
    }
  }

  async #oneByOne(
    handler: MessageHandler,
    chunk: Chunk,
    messages: readonly ConsumedMessage[],
    isOver: () => boolean,
  ): Promise<boolean> {
    const { cursor } = chunk
    for (const message of messages) {
      if (chunk.isStale || this.#feed.isClosed || isOver()) return false
      const next = message.offset + 1
      cursor.delivered = next
      const handled = handler(message, cursor.context)
      // Most handlers return a promise; one that does not need not wait a turn.
      if (handled !== undefined) await handled
      if (cursor.delivered === next) cursor.processed = next
    }
    return true
  }

  async #inBatches(
    handler: BatchHandler,
    chunk: Chunk,
    batches: Iterable<readonly ConsumedMessage[]>,
    isOver: () => boolean,
  ): Promise<boolean> {
    const { cursor } = chunk
    for (const messages of batches) {
      if (chunk.isStale || this.#feed.isClosed || isOver()) return false
      const next = (messages.at(-1)?.offset ?? -1) + 1
      cursor.delivered = next
      const { topic, partition, highWatermark } = cursor
      await handler({ topic, partition, messages, highWatermark }, cursor.context)
      if (cursor.delivered === next) cursor.processed = next
    }
    return true
  }
}

/** A consumer that is closed before it reads has nothing to hand out; that is no error. */
async function started(host: DeliveryHost, feed: Feed): Promise<void> {
  try {
    await host.start()
  } catch (error) {
    if (!feed.isClosed) throw error
  }
}

function* slicesOf<T>(all: readonly T[], length: number): Generator<readonly T[]> {
  if (all.length <= length) {
    if (all.length > 0) yield all
    return
  }
  for (let from = 0; from < all.length; from += length) yield all.slice(from, from + length)
}

/** Undefined where the bytes are damaged: they are fetched again. */
function decoded(feed: Feed, chunk: Chunk): ConsumedMessage[] | undefined {
  try {
    return chunk.messages()
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    feed.damaged(chunk, error)
    return undefined
  }
}

/** All of the chunk was handed out and processed, also what no handler is shown. */
function finish({ cursor, nextOffset, isStale }: Chunk): void {
  if (isStale) return
  cursor.delivered = nextOffset
  cursor.processed = nextOffset
}

/** What was handed out and not processed is handed out again. */
function redeliver(feed: Feed, { cursor }: Chunk): void {
  cursor.delivered = cursor.processed
  cursor.rewind()
  feed.refetch()
}

/** `for await`: the next message is handed out when it is asked for, without a turn of the loop where it is here. */
class MessageIterator implements AsyncIterableIterator<ConsumedMessage> {
  readonly #feed: Feed
  readonly #host: DeliveryHost
  #chunk: Chunk | undefined
  #messages: readonly ConsumedMessage[] = []
  #index = 0
  #isOver = false

  constructor(feed: Feed, host: DeliveryHost) {
    this.#feed = feed
    this.#host = host
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<ConsumedMessage>> {
    const chunk = this.#chunk
    if (chunk === undefined) return this.#nextOfNextChunk()
    const { cursor } = chunk
    cursor.processed = cursor.delivered
    const message = this.#messages[this.#index]
    if (message === undefined || chunk.isStale || this.#feed.isClosed) {
      if (message === undefined && !chunk.isStale) finish(chunk)
      this.#leave(chunk)
      return this.#nextOfNextChunk()
    }
    this.#index += 1
    cursor.delivered = message.offset + 1
    return Promise.resolve({ value: message, done: false })
  }

  /** The loop was left: its last message is not processed, nobody knows how far it came. */
  return(): Promise<IteratorResult<ConsumedMessage>> {
    this.#isOver = true
    const chunk = this.#chunk
    if (chunk !== undefined) {
      redeliver(this.#feed, chunk)
      this.#leave(chunk)
    }
    this.#feed.nudge()
    return Promise.resolve({ value: undefined, done: true })
  }

  async #nextOfNextChunk(): Promise<IteratorResult<ConsumedMessage>> {
    await started(this.#host, this.#feed)
    for (;;) {
      const chunk = await this.#feed.take(() => this.#isOver)
      if (chunk === undefined) return this.#end()
      const messages = decoded(this.#feed, chunk)
      const [message] = messages ?? []
      if (message === undefined) {
        if (messages !== undefined) finish(chunk)
        this.#feed.done(chunk)
        continue
      }
      this.#chunk = chunk
      this.#messages = messages ?? []
      this.#index = 1
      chunk.cursor.delivered = message.offset + 1
      return { value: message, done: false }
    }
  }

  #end(): IteratorResult<ConsumedMessage> {
    if (this.#host.failure !== undefined && !this.#isOver) throw this.#host.failure
    return { value: undefined, done: true }
  }

  #leave(chunk: Chunk): void {
    this.#chunk = undefined
    this.#messages = []
    this.#feed.done(chunk)
  }
}
