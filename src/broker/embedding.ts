/** The operations as methods, for programs that hold the broker in their own process. */
import type {
  DelayedList,
  DelayedMessage,
  DelayedPlace,
  DelayStats,
  ListQuery,
} from '../delay/index.ts'
import { type Caller, INTERNAL_CALLER } from '../kernel/caller.ts'
import { Service } from '../kernel/service.ts'
import { MiB } from '../kernel/units.ts'
import type { Acks, ReadResult } from '../log/index.ts'
import type { RecordBatch } from '../record/index.ts'
import type {
  NewTopic,
  PublishMessage,
  PublishOutcome,
  ReadFrom,
  TopicConfig,
  TopicRead,
  TopicReadFrom,
  TopicView,
} from '../topics/index.ts'
import type { BrokerPort, BrokerStatus, OperationName, Operations } from './operations.ts'

export interface PublishOptions {
  /** Default `all`. */
  readonly acks?: Acks
}

export interface ReadOptions<From = ReadFrom> {
  /** Default `{ at: 'earliest' }`. */
  readonly from?: From
  /** Default 100, at most 10,000. */
  readonly maxRecords?: number
  /** Default 1 MiB, at most 16 MiB; one record is returned even where it is larger. */
  readonly maxBytes?: number
  /** Long poll: how long to wait while there is nothing, in milliseconds. Default 0, at most 60,000. */
  readonly waitMs?: number
  /** Ends the wait with CANCELLED. */
  readonly signal?: AbortSignal
}

const DEFAULT_MAX_RECORDS = 100
const DEFAULT_MAX_BYTES = 1 * MiB

export abstract class EmbeddedBroker extends Service implements BrokerPort {
  abstract call<N extends OperationName>(
    name: N,
    input: Operations[N]['input'],
    caller: Caller,
  ): Promise<Operations[N]['output']>

  abstract status(): BrokerStatus

  /** Resolves when the topic is on disk and open. Rejects with TOPIC_EXISTS, LIMIT_REACHED, INVALID_… (with `fields`). */
  async createTopic(name: string, options: Omit<NewTopic, 'name'> = {}): Promise<TopicView> {
    return await this.call('topics.create', { ...options, name }, INTERNAL_CALLER)
  }

  /** Sorted names. */
  async listTopics(): Promise<readonly string[]> {
    return await this.call('topics.list', {}, INTERNAL_CALLER)
  }

  async describeTopic(name: string): Promise<TopicView> {
    return await this.call('topics.describe', { name }, INTERNAL_CALLER)
  }

  async configureTopic(name: string, config: Partial<TopicConfig>): Promise<TopicView> {
    return await this.call('topics.configure', { name, config }, INTERNAL_CALLER)
  }

  /** Resolves when the topic is gone, its files too. */
  async deleteTopic(name: string): Promise<void> {
    await this.call('topics.delete', { name }, INTERNAL_CALLER)
  }

  /** Resolves when the messages are as durable as `acks` asks; one bad message and none is written. */
  async publish(
    topic: string,
    messages: readonly PublishMessage[],
    { acks = 'all' }: PublishOptions = {},
  ): Promise<PublishOutcome> {
    return await this.call('records.publish', { topic, messages, acks }, INTERNAL_CALLER)
  }

  /** The same for a batch that was encoded before; its bytes belong to the broker from then on. */
  async publishBatch(
    topic: string,
    batch: RecordBatch,
    { acks = 'all', partition }: PublishOptions & { readonly partition?: number } = {},
  ): Promise<PublishOutcome> {
    const input = { topic, batch, acks, partition }
    return await this.call('records.publishBatch', input, INTERNAL_CALLER)
  }

  /** Records of one partition as they lie in the log; `decodeRecords` takes them apart. */
  async read(topic: string, partition: number, options: ReadOptions = {}): Promise<ReadResult> {
    const input = { topic, partition, ...readInput(options, { at: 'earliest' }) }
    return await this.call('records.read', input, callerOf(options))
  }

  /** Records of all partitions; `{ positions }` of the reply is the `from` of the next call. */
  async readTopic(topic: string, options: ReadOptions<TopicReadFrom> = {}): Promise<TopicRead> {
    const input = { topic, ...readInput<TopicReadFrom>(options, { at: 'earliest' }) }
    return await this.call('records.readTopic', input, callerOf(options))
  }

  /** The first record at or after a time, in milliseconds since 1970; undefined where there is none. */
  async offsetAtTime(
    topic: string,
    partition: number,
    timeMs: number,
  ): Promise<Operations['records.offsetAtTime']['output']> {
    const input = { topic, partition, timeMs }
    return await this.call('records.offsetAtTime', input, INTERNAL_CALLER)
  }

  /** Messages that wait, by the times they are due; `next` of the reply is the `after` of the next call. */
  async listDelayed(topic: string, query: Partial<ListQuery> = {}): Promise<DelayedList> {
    const input = { limit: DEFAULT_MAX_RECORDS, ...query, topic }
    return await this.call('delay.list', input, INTERNAL_CALLER)
  }

  /** One, in any state. Rejects with DELAYED_NOT_FOUND. */
  async describeDelayed(topic: string, place: DelayedPlace): Promise<DelayedMessage> {
    return await this.call('delay.get', { ...place, topic }, INTERNAL_CALLER)
  }

  /** Resolves when it will never be delivered. Rejects with DELAYED_NOT_FOUND or ALREADY_DELIVERED. */
  async cancelDelayed(topic: string, place: DelayedPlace): Promise<void> {
    await this.call('delay.cancel', { ...place, topic }, INTERNAL_CALLER)
  }

  /** Resolves when it waits until `dueMs`, milliseconds since 1970. Rejects as {@link cancelDelayed} does. */
  async rescheduleDelayed(
    topic: string,
    place: DelayedPlace,
    dueMs: number,
  ): Promise<DelayedMessage> {
    return await this.call('delay.reschedule', { ...place, topic, dueMs }, INTERNAL_CALLER)
  }

  async delayStats(): Promise<DelayStats> {
    return await this.call('delay.stats', {}, INTERNAL_CALLER)
  }
}

const readInput = <From>(options: ReadOptions<From>, from: From) => ({
  from: options.from ?? from,
  maxRecords: options.maxRecords ?? DEFAULT_MAX_RECORDS,
  maxBytes: options.maxBytes ?? DEFAULT_MAX_BYTES,
  waitMs: options.waitMs ?? 0,
})

const callerOf = ({ signal }: ReadOptions<unknown>): Caller =>
  signal === undefined ? INTERNAL_CALLER : { ...INTERNAL_CALLER, signal }
