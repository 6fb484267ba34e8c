/** What goes into topics and comes out of them; the broker's operations are made of these. */
import type { Priority } from '../kernel/priority.ts'
import type { Durability, ReadResult } from '../log/index.ts'
import type { RecordHeaders } from '../record/index.ts'
import type { TopicConfig } from './config.ts'

export interface PublishMessage {
  readonly key?: string | Uint8Array | undefined
  readonly value: string | Uint8Array | null
  /** Wins over the key. */
  readonly partition?: number | undefined
  readonly priority?: Priority | undefined
  readonly headers?: RecordHeaders | undefined
  /** Milliseconds since 1970: it is delivered then, or at once where that is past. */
  readonly dueMs?: number | undefined
}

/** Records of one request that went to one partition together, as one atomic batch. */
export interface PublishedRun {
  readonly partition: number
  readonly baseOffset: number
  readonly count: number
  readonly timestampMs: number
  /** Stored before by the same producer and sequence, and not again. */
  readonly duplicate?: boolean
  /** The producer was not known (never seen, or forgotten): its sequence was taken as a new start. */
  readonly producerReset?: boolean
  /** The records wait for their time: offsets are those of the delay log. */
  readonly delayed?: boolean
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

/** A read over all partitions; `positions[p]` is where to go on in partition p. */
export interface TopicRead {
  readonly parts: readonly TopicReadPart[]
  readonly positions: readonly number[]
}
