/** Consumer groups: membership, polls, floors. */
import { type Static, Type } from 'typebox'
import { LIMITS } from '../kernel/limits.ts'
import { OffsetNumber, PartitionId, PriorityWord, Time } from './formats.ts'

const MODES = ['ack', 'offset'] as const
const ASSIGNMENTS = ['range', 'shared'] as const
const STATES = ['empty', 'stable', 'rebalancing', 'dead'] as const

const MemberId = Type.String({ minLength: 1, description: 'from the reply to the join' })
const Generation = Type.Integer({ minimum: 0, description: 'from the reply to the join' })
const Assigned = Type.Array(Type.String(), {
  description: '`<topic>-<partition>`',
  examples: [['orders-0', 'orders-1']],
})
const State = Type.Enum([...STATES], {
  description:
    'rebalancing: some member has not yet come back with the current generation; stable: all have',
})

/** Topic to partition to offset. */
export const Floors = Type.Record(Type.String(), Type.Record(Type.String(), OffsetNumber), {
  description: 'topic to partition to the offset below which everything is settled',
  examples: [{ orders: { '0': 42 } }],
})
export type Floors = Static<typeof Floors>

export const GroupParams = Type.Object({ group: Type.String() })

export const GroupList = Type.Object({
  groups: Type.Array(Type.String(), { description: 'sorted' }),
})

export const GroupReply = Type.Object({
  group_id: Type.String(),
  state: State,
  mode: Type.Enum([...MODES]),
  generation: Type.Integer(),
  protocol: Type.Enum([...ASSIGNMENTS]),
  created_at: Time,
  members: Type.Array(
    Type.Object({
      member_id: Type.String(),
      client_id: Type.String(),
      topics: Type.Array(Type.String()),
      assigned_partitions: Assigned,
      session_timeout: Type.String(),
      last_heartbeat: Time,
      joined_at: Time,
    }),
  ),
  lag: Type.Record(Type.String(), Type.Record(Type.String(), Type.Integer()), {
    description:
      'records between the floor and the end, in mode ack records not settled; for partitions that serve',
  }),
  delivery: Type.Optional(
    Type.Object(
      {
        in_flight: Type.Integer({ description: 'records that members hold now' }),
        unresolved: Type.Integer({ description: 'handed out and not settled' }),
        dying: Type.Integer({ description: 'on their way into the dead letters' }),
        in_flight_by_member: Type.Record(Type.String(), Type.Integer()),
        limited_partitions: Type.Array(Type.String(), {
          description: 'max_unresolved is reached: nothing new is handed out of these',
        }),
        limited_members: Type.Array(Type.String(), {
          description: 'max_in_flight is reached: nothing is handed to these',
        }),
      },
      { description: 'of a group in mode ack' },
    ),
  ),
})
export type GroupReply = Static<typeof GroupReply>

export const DeleteGroupReply = Type.Object({ deleted: Type.Literal(true) })

export const JoinBody = Type.Object({
  client_id: Type.String({ description: 'names the client in the member id, 1 to 200 characters' }),
  topics: Type.Array(Type.String(), {
    description: `1 to ${LIMITS.memberTopicsMax}; those that do not exist are read once they do`,
  }),
  session_timeout: Type.Optional(
    Type.Union([Type.String(), Type.Number({ minimum: 0 })], {
      default: '30s',
      description: 'silence that ends the membership, 1 s to 30 min',
    }),
  ),
  mode: Type.Optional(
    Type.Enum([...MODES], { default: 'ack', description: "fixed with the group's first join" }),
  ),
  assignment: Type.Optional(
    Type.Enum([...ASSIGNMENTS], {
      default: 'range',
      description: 'shared, in mode ack only: every member gets all partitions',
    }),
  ),
  member_id: Type.Optional(
    Type.String({ description: 'of a member that comes back, or chosen by the client' }),
  ),
  auto_offset_reset: Type.Optional(
    Type.Enum(['earliest', 'latest'], {
      default: 'earliest',
      description: 'where polls begin where there is no floor that can be read',
    }),
  ),
})
export type JoinBody = Static<typeof JoinBody>

export const JoinReply = Type.Object({
  member_id: Type.String(),
  generation: Type.Integer(),
  leader: Type.Boolean({ description: 'the member that has been there longest' }),
  assigned_partitions: Assigned,
  rebalance_required: Type.Literal(false),
  state: State,
  unknown_topics: Type.Optional(
    Type.Array(Type.String(), { description: 'of the subscription; absent where all exist' }),
  ),
})
export type JoinReply = Static<typeof JoinReply>

export const HeartbeatBody = Type.Object({ member_id: MemberId, generation: Generation })

export const HeartbeatReply = Type.Object({
  rebalance_required: Type.Boolean(),
  state: State,
  generation: Type.Integer(),
  assigned_partitions: Assigned,
})
export type HeartbeatReply = Static<typeof HeartbeatReply>

export const LeaveBody = Type.Object({ member_id: MemberId })
export const LeaveReply = Type.Object({ left: Type.Literal(true) })

export const PollQuery = Type.Object({
  member_id: MemberId,
  max_messages: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: LIMITS.readMessagesMax,
      default: 100,
      description: 'also called limit',
    }),
  ),
  timeout: Type.Optional(
    Type.String({
      default: '30s',
      description: 'a duration up to 60 s: wait for the first record',
    }),
  ),
  generation: Type.Optional(
    Type.Integer({
      minimum: 0,
      description: 'without it the member is told once of a rebalance, then goes on in the new one',
    }),
  ),
  visibility_timeout: Type.Optional(
    Type.String({ description: 'mode ack: how long the leases last, at most 12 h; default 30 s' }),
  ),
  auto_commit: Type.Optional(
    Type.Boolean({ default: false, description: 'commits first what earlier polls handed out' }),
  ),
  max_bytes: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMITS.readBytesMax / 4 })),
})

export const PollReply = Type.Object({
  messages: Type.Array(
    Type.Object({
      topic: Type.String(),
      partition: PartitionId,
      offset: OffsetNumber,
      timestamp: Time,
      key: Type.Optional(Type.String()),
      value: Type.Union([Type.String(), Type.Null()]),
      priority: PriorityWord,
      headers: Type.Optional(Type.Record(Type.String(), Type.String())),
      encoding: Type.Optional(Type.Literal('base64')),
      receipt_handle: Type.String({
        examples: ['billing:orders:0:42:1:9f2c61d0'],
        description: 'group:topic:partition:offset:deliveryCount:nonce',
      }),
      delivery_count: Type.Integer({ minimum: 1 }),
    }),
  ),
  rebalance_required: Type.Boolean({ description: 'join again with the same member_id' }),
})
export type PollReply = Static<typeof PollReply>

export const OffsetsQuery = Type.Object({ topic: Type.Optional(Type.String()) })
export const OffsetsReply = Type.Object({ offsets: Floors })

export const CommitBody = Type.Object({
  member_id: MemberId,
  generation: Type.Optional(Generation),
  offsets: Floors,
})
export type CommitBody = Static<typeof CommitBody>

export const CommitReply = Type.Object({
  committed: Type.Literal(true),
  offsets: Type.Record(Type.String(), Type.Record(Type.String(), OffsetNumber), {
    description: 'where the floors are now: one that would have gone back is where it was',
  }),
})

export const ResetBody = Type.Object({
  topic: Type.String(),
  partitions: Type.Optional(Type.Array(PartitionId, { minItems: 1, description: 'default all' })),
  to: Type.Union(
    [
      Type.Enum(['earliest', 'latest']),
      Type.Object({ offset: OffsetNumber }, { additionalProperties: false }),
      Type.Object({ time: Time }, { additionalProperties: false }),
    ],
    { description: 'an offset outside of the log is brought to its nearer end' },
  ),
  dry_run: Type.Optional(Type.Boolean({ default: false })),
})
export type ResetBody = Static<typeof ResetBody>

export const ResetReply = Type.Object({
  offsets: Type.Record(
    Type.String(),
    Type.Record(
      Type.String(),
      Type.Object({ before: Type.Union([OffsetNumber, Type.Null()]), after: OffsetNumber }),
    ),
  ),
  dry_run: Type.Boolean(),
})
export type ResetReply = Static<typeof ResetReply>
