/** Acks, nacks, rejections and extensions; policies; what is told of deliveries. */
import { type Static, Type } from 'typebox'
import { PRIORITIES, type PriorityName } from '../kernel/priority.ts'
import { Duration, Time } from './formats.ts'

/** Receipts that one request may name. */
export const RECEIPTS_MAX = 10_000

const Receipt = Type.String({
  examples: ['billing:orders:0:42:1:9f2c61d0'],
  description: 'of a poll: group:topic:partition:offset:deliveryCount:nonce',
})

const Which = {
  receipt_handle: Type.Optional(Receipt),
  receipt_handles: Type.Optional(
    Type.Array(Receipt, { minItems: 1, maxItems: RECEIPTS_MAX, description: 'instead of one' }),
  ),
}
const Reason = Type.Optional(
  Type.String({ description: 'kept with the record; at most 1,000 characters of it' }),
)

export const AckBody = Type.Object(Which)
export const NackBody = Type.Object({
  ...Which,
  delay: Type.Optional(
    Type.Union([Type.String(), Type.Number({ minimum: 0 })], {
      description:
        'until it is handed out again, at most 7 days; default: the backoff of the policy',
    }),
  ),
  reason: Reason,
})
export const RejectBody = Type.Object({ ...Which, reason: Reason })
export const VisibilityBody = Type.Object({
  ...Which,
  timeout: Type.Union([Type.String(), Type.Number({ minimum: 0 })], {
    description: 'a duration from now; the lease ends at the latest 12 h after the hand-out',
  }),
})
export type AckBody = Static<typeof AckBody>
export type NackBody = Static<typeof NackBody>
export type RejectBody = Static<typeof RejectBody>
export type VisibilityBody = Static<typeof VisibilityBody>

const Code = Type.Optional(
  Type.String({ description: 'why not: LEASE_LOST, RECEIPT_NOT_FOUND, INVALID_REQUEST, …' }),
)

/** One receipt is answered alone, several in a list; a lost lease is an error of the request in the first case. */
const one = <T extends Parameters<typeof Type.Object>[0]>(reply: T) => {
  const single = Type.Object(reply)
  const many = Type.Object({
    results: Type.Array(Type.Object({ receipt_handle: Receipt, ...reply, code: Code })),
  })
  return Type.Union([single, many])
}

const Topic = Type.Optional(Type.String({ description: 'where the dead letter lies' }))

export const AckReply = one({ acknowledged: Type.Boolean() })
export const NackReply = one({
  requeued: Type.Boolean({ description: 'false: that was the last try' }),
  visible_at: Type.Optional(Time),
  delivery_count: Type.Optional(Type.Integer()),
  dlq_topic: Topic,
})
export const RejectReply = one({ rejected: Type.Boolean(), dlq_topic: Topic })
export const VisibilityReply = one({
  extended: Type.Boolean(),
  new_deadline: Type.Optional(Time),
})

const orNull = (schema: Parameters<typeof Type.Union>[0][number]) =>
  Type.Optional(Type.Union([schema, Type.Null()]))

const Weights = Type.Object(
  Object.fromEntries(PRIORITIES.map((lane) => [lane, Type.Integer()])) as Record<
    PriorityName,
    ReturnType<typeof Type.Integer>
  >,
  { additionalProperties: false, description: 'records of each lane in a round' },
)

const AckDurability = Type.Enum(['leader', 'all'], {
  description:
    'what hand-outs, acks and commits wait for: leader survives a crash of the broker, all a power cut',
})

/** Null takes a setting back. */
export const PolicyInput = Type.Object(
  {
    visibility_timeout: orNull(Duration),
    max_retries: orNull(Type.Integer()),
    backoff: orNull(Duration),
    backoff_factor: orNull(Type.Number()),
    backoff_max: orNull(Duration),
    backoff_jitter: orNull(Type.Number()),
    max_in_flight: orNull(Type.Integer()),
    max_unresolved: orNull(Type.Integer()),
    priority_weights: orNull(Weights),
    priority_boost: orNull(Duration),
    low_lanes_share_max: orNull(Type.Number()),
    ack_durability: orNull(AckDurability),
  },
  { additionalProperties: false },
)
export type PolicyInput = Static<typeof PolicyInput>

const PolicyFields = {
  visibility_timeout: Type.String(),
  max_retries: Type.Integer(),
  backoff: Type.String(),
  backoff_factor: Type.Number(),
  backoff_max: Type.String(),
  backoff_jitter: Type.Number(),
  max_in_flight: Type.Integer({ description: 'records that one member may hold' }),
  max_unresolved: Type.Integer({
    description: 'records of a partition that may be handed out and not settled',
  }),
  priority_weights: Weights,
  priority_boost: Type.String({ description: 'a lane unserved for so long gets the next turn' }),
  low_lanes_share_max: Type.Number({
    description: "share of a group's slots that low and background may hold together",
  }),
  ack_durability: AckDurability,
}

export const PolicyReply = Type.Object({
  set: Type.Partial(Type.Object(PolicyFields), { description: 'what was set here' }),
  in_force: Type.Object(PolicyFields, {
    description: "with the broker's defaults; a group's word counts before a topic's",
  }),
})
export type PolicyReply = Static<typeof PolicyReply>

const count = Type.Integer({ minimum: 0 })

export const ReliabilityStats = Type.Object({
  acks_total: count,
  nacks_total: count,
  rejects_total: count,
  expired_total: Type.Integer({ description: 'leases that ended by their time' }),
  members_died_total: Type.Integer({ description: 'records held by members that fell silent' }),
  commits_total: Type.Integer({ description: 'records settled by a commit' }),
  deliveries_total: count,
  dlq_messages: Type.Integer({ description: 'dead letters that nobody has redriven' }),
  dead_lettered_total: count,
  redriven_total: count,
  visibility_extensions: count,
  retention_skipped_total: Type.Integer({ description: 'records that retention took unsettled' }),
  ack_manager: Type.Object({
    in_flight: count,
    ready: Type.Integer({ description: 'came back and can be handed out' }),
    waiting: Type.Integer({ description: 'wait for the end of their backoff' }),
    unresolved: count,
    partitions: Type.Integer({ description: 'partitions with a state of their own, by group' }),
    polls_waiting: count,
  }),
  visibility_tracker: Type.Object({
    leases: Type.Integer({ description: 'records held now' }),
    next_deadline: Type.Union([Time, Type.Null()]),
  }),
  dlq: Type.Object({
    dying: Type.Integer({ description: 'on their way into a dead-letter topic' }),
    messages: count,
    tasks_running: count,
  }),
})
export type ReliabilityStats = Static<typeof ReliabilityStats>
