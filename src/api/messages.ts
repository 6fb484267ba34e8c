/** Publish and read by offset, as JSON and as raw records. */
import { type Static, Type } from 'typebox'
import { LIMITS } from '../kernel/limits.ts'
import { OffsetNumber, PartitionId, PriorityInput, PriorityWord, Time } from './formats.ts'

/** One checksummed batch in, whole records out: docs/storage-format.md has them byte by byte. */
export const RECORDS_TYPE = 'application/vnd.goqueue.records'

export const HEADER_NEXT_OFFSET = 'x-goqueue-next-offset'
export const HEADER_HIGH_WATERMARK = 'x-goqueue-high-watermark'

const AcksWord = Type.Enum(['none', 'leader', 'all'], {
  default: 'all',
  description: 'none: at once; leader: in the page cache of its machine; all: on disk',
})

const DurabilityWord = Type.Enum(['none', 'memory', 'disk'])

const Headers = Type.Record(Type.String(), Type.String(), {
  description: `at most ${LIMITS.recordHeadersMax}`,
})

const Encoding = Type.Enum(['utf8', 'base64'], {
  default: 'utf8',
  description: 'of key and value; base64 for bytes that are not text',
})

/** Fields that are not known are passed over; of a name that comes twice the last counts; null is absent. */
const MessageInput = Type.Object({
  key: Type.Optional(
    Type.String({
      description: `at most ${LIMITS.keyBytesMax} bytes; the same key, the same partition`,
    }),
  ),
  value: Type.Unknown({
    description:
      'a string; null is a tombstone; an object, array, number or boolean is stored as its JSON text',
  }),
  partition: Type.Optional(PartitionId),
  priority: Type.Optional(PriorityInput),
  delay: Type.Optional(
    Type.Union([Type.String(), Type.Number({ minimum: 0 })], {
      description: 'delivered so much later; "30m", or milliseconds; none: at once',
    }),
  ),
  deliverAt: Type.Optional(
    Type.String({ format: 'date-time', description: 'instead of delay; past: at once' }),
  ),
  headers: Type.Optional(Headers),
  encoding: Type.Optional(Encoding),
})

export const PublishBody = Type.Object({
  messages: Type.Array(MessageInput, { minItems: 1, maxItems: LIMITS.batchRecordsMax }),
  acks: Type.Optional(AcksWord),
})
export type PublishBody = Static<typeof PublishBody>

/** Of a raw batch the first record's. */
const PublishedOffset = Type.Integer({
  minimum: -1,
  description: '-1 with acks none: the reply does not wait for it',
})

const PublishResult = Type.Object({
  partition: PartitionId,
  offset: PublishedOffset,
  priority: PriorityWord,
  timestamp: Time,
  delayed: Type.Optional(
    Type.Boolean({ description: 'it waits: offset is its handle, in the delay log' }),
  ),
  deliverAt: Type.Optional(Time),
})

export const PublishReply = Type.Object({
  results: Type.Array(PublishResult, { description: 'in the order of the request' }),
  durability: DurabilityWord,
  duplicate: Type.Optional(
    Type.Boolean({
      description: 'a request of the same Idempotency-Key was stored before; not again',
    }),
  ),
})
export type PublishReply = Static<typeof PublishReply>

export const RawPublishReply = Type.Object({
  results: Type.Array(
    Type.Object({
      partition: PartitionId,
      offset: PublishedOffset,
      count: Type.Integer({ minimum: 1 }),
      timestamp: Time,
      duplicate: Type.Optional(
        Type.Boolean({ description: 'stored before by the same producer and sequence, not again' }),
      ),
      producer_reset: Type.Optional(
        Type.Boolean({ description: 'the producer was not known; its sequence is a new start' }),
      ),
      delayed: Type.Optional(Type.Boolean()),
    }),
    { description: 'an entry for each run of records that went to one partition together' },
  ),
  durability: DurabilityWord,
})
export type RawPublishReply = Static<typeof RawPublishReply>

export const RawPublishQuery = Type.Object({
  partition: Type.Optional(
    Type.Integer({ minimum: 0, description: 'of a raw batch; without it records go by their key' }),
  ),
  acks: Type.Optional(AcksWord),
  delayed: Type.Optional(
    Type.Boolean({
      description: 'of a raw batch: every record waits for the time in its origin section',
    }),
  ),
})

const Message = {
  offset: OffsetNumber,
  timestamp: Time,
  key: Type.Optional(Type.String()),
  value: Type.Union([Type.String(), Type.Null()]),
  priority: PriorityWord,
  headers: Type.Optional(Headers),
  encoding: Type.Optional(Type.Literal('base64')),
}

const Limits = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMITS.readMessagesMax, default: 100 })),
  max_bytes: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: LIMITS.readBytesMax,
      default: LIMITS.readBytesMax / 4,
      description: 'of records as stored; one record is returned even where it is larger',
    }),
  ),
  timeout: Type.Optional(
    Type.String({
      default: '0',
      description: `a duration up to ${LIMITS.longPollMsMax} ms: wait for the first record`,
    }),
  ),
}

const From = {
  offset: Type.Optional(
    Type.Union([OffsetNumber, Type.Enum(['earliest', 'latest'])], { default: 0 }),
  ),
  from_time: Type.Optional(
    Type.String({
      format: 'date-time',
      description: 'the first record at or after it; instead of offset',
    }),
  ),
}

export const ReadQuery = Type.Object({ ...From, ...Limits })

export const ReadReply = Type.Object({
  messages: Type.Array(Type.Object(Message)),
  next_offset: OffsetNumber,
  high_watermark: OffsetNumber,
})
export type ReadReply = Static<typeof ReadReply>

export const ReadTopicQuery = Type.Object({
  ...From,
  ...Limits,
  cursor: Type.Optional(Type.String({ description: 'of the previous reply; instead of offset' })),
})

export const ReadTopicReply = Type.Object({
  messages: Type.Array(Type.Object({ partition: PartitionId, ...Message })),
  cursor: Type.String({ description: 'opaque; where to go on' }),
})
export type ReadTopicReply = Static<typeof ReadTopicReply>

export const OffsetQuery = Type.Object({ time: Type.String({ format: 'date-time' }) })

export const OffsetReply = Type.Object({
  offset: Type.Integer({
    minimum: 0,
    description: 'the next to be written where no record is that young',
  }),
  timestamp: Type.Union([Time, Type.Null()]),
})
export type OffsetReply = Static<typeof OffsetReply>
