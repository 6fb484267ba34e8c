/**
 * Every operation of the broker with what goes in and what comes out: the one list that listeners, interceptors
 * and the embedding API share. A new room adds its operations here and its handlers beside its code.
 */
import type { Caller } from '../kernel/caller.ts'
import type { Priority } from '../kernel/priority.ts'
import type { Acks, Durability, ReadResult } from '../log/index.ts'
import type { RecordBatch, RecordHeaders } from '../record/index.ts'
import type { TopicConfig } from '../topics/index.ts'

export interface PublishMessage {
  readonly key?: string | Uint8Array | undefined
  readonly value: string | Uint8Array | null
  /** Wins over the key. */
  readonly partition?: number | undefined
  readonly priority?: Priority | undefined
  readonly headers?: RecordHeaders | undefined
}

/** Records of one request that went to one partition together, as one atomic batch. */
export interface PublishedRun {
  readonly partition: number
  readonly baseOffset: number
  readonly count: number
  readonly timestampMs: number
}

export interface PublishOutcome {
  readonly durability: Durability
  readonly runs: readonly PublishedRun[]
  /**
   * For each message in the order of the request, the index of its run; its offset is the next of that run.
   * Undefined where there is one run: no array per request on the common path.
   */
  readonly runOfMessage: Uint32Array | undefined
}

export interface PartitionView {
  readonly partition: number
  readonly earliest: number
  readonly latest: number
  readonly sizeBytes: number
  readonly segments: number
  /** Why the partition does not serve; undefined when it does. */
  readonly problem: string | undefined
}

export interface TopicView {
  readonly name: string
  readonly partitions: readonly PartitionView[]
  readonly config: TopicConfig
  readonly createdAtMs: number
}

export type ReadFrom =
  | { readonly offset: number }
  | { readonly timeMs: number }
  | { readonly at: 'earliest' | 'latest' }

export interface TopicReadPart {
  readonly partition: number
  readonly result: ReadResult
}

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

export interface Operations {
  'topics.create': {
    input: {
      readonly name: string
      readonly partitions?: number | undefined
      readonly config?: Partial<TopicConfig> | undefined
    }
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
    }
    output: PublishOutcome
  }
  /** A batch encoded by the client. Without a partition its records are placed by key, or together where none has one. */
  'records.publishBatch': {
    input: {
      readonly topic: string
      readonly partition?: number | undefined
      readonly batch: RecordBatch
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
      readonly from: ReadFrom | { readonly positions: readonly number[] }
      readonly maxRecords: number
      readonly maxBytes: number
      readonly waitMs: number
    }
    output: { readonly parts: readonly TopicReadPart[]; readonly positions: readonly number[] }
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
