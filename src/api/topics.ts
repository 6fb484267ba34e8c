/** Topics: created, listed, described, configured, deleted. */
import { type Static, Type } from 'typebox'
import { LIMITS } from '../kernel/limits.ts'
import { Duration, OffsetNumber, PartitionId } from './formats.ts'

const orNull = { description: 'null sets no bound' }

const RetentionHours = Type.Union(
  [Type.Number({ exclusiveMinimum: 0, maximum: 1e9 }), Type.Null()],
  { ...orNull, default: 168 },
)

/** What an operator sets per topic. An unknown setting is refused: a misspelt one must not pass for set. */
export const TopicConfigInput = Type.Object(
  {
    retention_hours: Type.Optional(RetentionHours),
    retention_ms: Type.Optional(
      Type.Union([Duration, Type.Null()], {
        description: 'the same as retention_hours, as a duration; one of the two',
      }),
    ),
    retention_bytes: Type.Optional(
      Type.Union([Type.Integer({ minimum: 1 }), Type.Null()], {
        description: 'per partition; null sets no bound',
        default: null,
      }),
    ),
    segment_bytes: Type.Optional(
      Type.Integer({ minimum: LIMITS.segmentBytesMin, maximum: LIMITS.segmentBytesMax }),
    ),
    max_record_bytes: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMITS.recordBytesMax })),
  },
  { additionalProperties: false },
)
export type TopicConfigInput = Static<typeof TopicConfigInput>

export const TopicConfigReply = Type.Object({
  retention_hours: RetentionHours,
  retention_ms: Type.Union([Type.Number(), Type.Null()]),
  retention_bytes: Type.Union([Type.Integer(), Type.Null()]),
  segment_bytes: Type.Integer(),
  max_record_bytes: Type.Integer(),
})
export type TopicConfigReply = Static<typeof TopicConfigReply>

export const CreateTopicBody = Type.Object({
  name: Type.String({
    description: `1 to ${LIMITS.nameCharsMax} characters of a-z A-Z 0-9 . _ -, not starting with "__"`,
    examples: ['orders'],
  }),
  num_partitions: Type.Optional(
    Type.Integer({ default: 3, description: `1 to ${LIMITS.topicPartitionsMax}` }),
  ),
  retention_hours: Type.Optional(RetentionHours),
  config: Type.Optional(TopicConfigInput),
})
export type CreateTopicBody = Static<typeof CreateTopicBody>

export const CreateTopicReply = Type.Object({
  name: Type.String(),
  partitions: Type.Integer(),
  created: Type.Literal(true),
})

export const ConfigureTopicBody = Type.Object({ config: TopicConfigInput })

export const TopicList = Type.Object({
  topics: Type.Array(Type.String(), { description: 'sorted' }),
})

const Ends = {
  earliest: OffsetNumber,
  latest: Type.Integer({ minimum: 0, description: 'the next offset to be written' }),
}

export const TopicReply = Type.Object({
  name: Type.String(),
  partitions: Type.Integer(),
  total_messages: Type.Integer(),
  total_size_bytes: Type.Integer(),
  partition_offsets: Type.Record(Type.String(), Type.Object(Ends)),
  config: TopicConfigReply,
})

export const DeleteTopicReply = Type.Object({ deleted: Type.Literal(true), name: Type.String() })

const PartitionReply = Type.Object({
  partition: PartitionId,
  leader: Type.Integer(),
  replicas: Type.Array(Type.Integer()),
  isr: Type.Array(Type.Integer()),
  ...Ends,
  size_bytes: Type.Integer(),
  segments: Type.Integer(),
  problem: Type.Optional(
    Type.String({ description: 'why it does not serve; absent when it does' }),
  ),
})

export const PartitionsReply = Type.Object({
  topic: Type.String(),
  partitions: Type.Array(PartitionReply),
})

export const TopicParams = Type.Object({ topic: Type.String() })
export const PartitionParams = Type.Object({ topic: Type.String(), partition: PartitionId })

export type TopicReply = Static<typeof TopicReply>
export type PartitionsReply = Static<typeof PartitionsReply>
