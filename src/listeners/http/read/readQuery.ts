import type { Operations } from '../../../broker/index.ts'
import { LIMITS } from '../../../kernel/limits.ts'
import { Query } from '../query.ts'
import { decodeCursor } from './cursor.ts'

type ReadInput = Operations['records.read']['input']
type TopicReadInput = Operations['records.readTopic']['input']

/** How much and how long; the same for both reads. */
export type ReadLimits = Pick<ReadInput, 'maxRecords' | 'maxBytes' | 'waitMs'>

const DEFAULT_LIMIT = 100
/** A page of many small messages fits; one of large ones ends early and the reader goes on. */
const DEFAULT_MAX_BYTES = LIMITS.readBytesMax / 4

const OFFSETS = { min: 0, max: Number.MAX_SAFE_INTEGER }
const MESSAGES = { min: 1, max: LIMITS.readMessagesMax }
const BYTES = { min: 1, max: LIMITS.readBytesMax }

const limitsOf = (query: Query): ReadLimits => ({
  maxRecords: query.integer('limit', MESSAGES) ?? DEFAULT_LIMIT,
  maxBytes: query.integer('max_bytes', BYTES) ?? DEFAULT_MAX_BYTES,
  waitMs: query.durationMs('timeout', LIMITS.longPollMsMax) ?? 0,
})

function fromOf(query: Query): ReadInput['from'] {
  const offset = query.text('offset')
  const timeMs = query.timeMs('from_time')
  if (offset !== undefined && query.text('from_time') !== undefined) {
    query.refuse('from_time', 'must not be given together with offset')
  }
  if (timeMs !== undefined) return { timeMs }
  if (offset === 'earliest' || offset === 'latest') return { at: offset }
  return { offset: query.integer('offset', OFFSETS) ?? 0 }
}

export interface PartitionRead extends ReadLimits {
  readonly from: ReadInput['from']
}

/** Throws INVALID_REQUEST with `fields`. */
export function partitionReadOf(given: unknown): PartitionRead {
  const query = new Query(given)
  const read = { from: fromOf(query), ...limitsOf(query) }
  query.throwIfAny()
  return read
}

export interface TopicRead extends ReadLimits {
  readonly from: TopicReadInput['from']
}

/** Throws INVALID_REQUEST with `fields`. */
export function topicReadOf(given: unknown, topic: string): TopicRead {
  const query = new Query(given)
  const cursor = query.text('cursor')
  let from: TopicReadInput['from'] = fromOf(query)
  if (cursor !== undefined) {
    const positions = decodeCursor(cursor, topic)
    if (positions === undefined)
      query.refuse('cursor', 'is not one that a reply for this topic gave')
    else from = { positions }
    for (const other of ['offset', 'from_time']) {
      if (query.text(other) !== undefined) query.refuse(other, 'must not be given with a cursor')
    }
  }
  const read = { from, ...limitsOf(query) }
  query.throwIfAny()
  return read
}

/** The time of `offset?time=`. Throws INVALID_REQUEST with `fields`. */
export function wantedTimeOf(given: unknown): number {
  const query = new Query(given)
  const timeMs = query.timeMs('time')
  if (timeMs === undefined) query.refuse('time', 'is required: an RFC 3339 time')
  query.throwIfAny()
  return timeMs ?? 0
}
