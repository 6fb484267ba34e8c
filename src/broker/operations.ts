/**
 * Every operation of the broker with what goes in and what comes out: the one list that listeners, interceptors
 * and the embedding API share. A new room adds its operations here and its handlers beside its code.
 */
import type { Caller } from '../kernel/caller.ts'
import type { Acks, ReadResult } from '../log/index.ts'
import type { RecordBatch, WireProducer } from '../record/index.ts'
import type {
  NewTopic,
  PublishMessage,
  PublishOutcome,
  ReadFrom,
  RequestIdentity,
  TopicConfig,
  TopicRead,
  TopicReadFrom,
  TopicView,
} from '../topics/index.ts'
import type { DelayOperations } from './delayOperations.ts'
import type { DeliveryOperations } from './deliveryOperations.ts'
import type { GroupOperations } from './groupOperations.ts'
import type { PriorityOperations } from './priorityOperations.ts'

export interface BrokerStatus {
  readonly nodeId: number
  /** Milliseconds since the broker was ready. */
  readonly uptimeMs: number
  readonly topicCount: number
  readonly totalSizeBytes: number
  readonly state: 'starting' | 'running' | 'stopping' | 'stopped'
  /** One line per partition that does not serve. */
  readonly problems: readonly string[]
}

export interface Operations
  extends GroupOperations,
    DeliveryOperations,
    DelayOperations,
    PriorityOperations {
  'topics.create': {
    input: NewTopic
    output: TopicView
  }
  'topics.list': { input: Record<string, never>; output: readonly string[] }
  'topics.describe': { input: { readonly name: string }; output: TopicView }
  'topics.configure': {
    input: { readonly name: string; readonly config: Partial<TopicConfig> }
    output: TopicView
  }
  'topics.delete': { input: { readonly name: string }; output: undefined }
  'records.publish': {
    input: {
      readonly topic: string
      readonly messages: readonly PublishMessage[]
      readonly acks: Acks
      /** Makes requests of the same key and body within ten minutes one request. */
      readonly request?: RequestIdentity | undefined
    }
    output: PublishOutcome
  }
  /** A batch encoded by the client. Without a partition its records are placed by key, or together where none has one. */
  'records.publishBatch': {
    input: {
      readonly topic: string
      readonly partition?: number | undefined
      readonly batch: RecordBatch
      /** Of an idempotent producer; the partition must then be named, and the first record carry the same. */
      readonly producer?: WireProducer | undefined
      readonly acks: Acks
    }
    output: PublishOutcome
  }
  'records.read': {
    input: {
      readonly topic: string
      readonly partition: number
      readonly from: ReadFrom
      readonly maxRecords: number
      readonly maxBytes: number
      /** Long poll: how long to wait while there is nothing to return. */
      readonly waitMs: number
    }
    output: ReadResult
  }
  /** Over all partitions: `positions[p]` is where to go on in partition p. */
  'records.readTopic': {
    input: {
      readonly topic: string
      readonly from: TopicReadFrom
      readonly maxRecords: number
      readonly maxBytes: number
      readonly waitMs: number
    }
    output: TopicRead
  }
  'records.offsetAtTime': {
    input: { readonly topic: string; readonly partition: number; readonly timeMs: number }
    /** Undefined where no record is that young. */
    output: { readonly offset: number; readonly timestampMs: number } | undefined
  }
}

export type OperationName = keyof Operations

/** One call on its way through the interceptors; `name` discriminates `input`. */
export type Call<N extends OperationName = OperationName> = {
  [K in N]: {
    readonly name: K
    readonly input: Operations[K]['input']
    readonly caller: Caller
  }
}[N]

export type Dispatch = (call: Call) => Promise<unknown>
export type Interceptor = (next: Dispatch) => Dispatch

/** Wraps `core`; the first interceptor is the outermost. */
export const compose = (core: Dispatch, ...outermostFirst: readonly Interceptor[]): Dispatch =>
  outermostFirst.reduceRight((next, wrap) => wrap(next), core)

/** What listeners hold: the broker as one typed function. */
export interface BrokerPort {
  call<N extends OperationName>(
    name: N,
    input: Operations[N]['input'],
    caller: Caller,
  ): Promise<Operations[N]['output']>
  status(): BrokerStatus
}
