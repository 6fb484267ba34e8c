/** Delayed messages: listed, looked at, cancelled, put off; and their figures. */
import { type Static, Type } from 'typebox'
import { LIMITS } from '../kernel/limits.ts'
import { Duration, OffsetNumber, PartitionId, PriorityWord, Time } from './formats.ts'

export const DelayedParams = Type.Object({
  topic: Type.String(),
  partition: PartitionId,
  offset: OffsetNumber,
})
export const DelayedOffsetParams = Type.Object({ topic: Type.String(), offset: OffsetNumber })

export const DelayedState = Type.Enum(['pending', 'delivered', 'cancelled', 'expired'], {
  description: 'expired: given up, since its record could not be read',
})

export const DelayedEntry = Type.Object({
  topic: Type.String(),
  partition: PartitionId,
  offset: Type.Integer({ minimum: 0, description: 'in the delay log, not in the topic' }),
  deliver_at: Time,
  time_remaining: Type.String({ description: 'a duration; 0ms where the time has come' }),
  state: DelayedState,
  priority: PriorityWord,
  published_at: Time,
  key: Type.Optional(Type.String()),
  encoding: Type.Optional(Type.Literal('base64')),
})
export type DelayedEntry = Static<typeof DelayedEntry>

export const DelayedQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMITS.delayedListMax, default: 100 })),
  cursor: Type.Optional(Type.String({ description: 'of the previous reply' })),
  from_time: Type.Optional(Type.String({ format: 'date-time', description: 'due then or later' })),
  to_time: Type.Optional(Type.String({ format: 'date-time', description: 'due before' })),
})

export const DelayedList = Type.Object({
  messages: Type.Array(DelayedEntry, { description: 'that wait, by the time they are due' }),
  count: Type.Integer({ minimum: 0, description: 'of this list' }),
  cursor: Type.String({ description: 'where to go on; empty at the end' }),
})
export type DelayedList = Static<typeof DelayedList>

export const CancelReply = Type.Object({ cancelled: Type.Literal(true) })

/** One of the two; a time that is past delivers at once. */
export const RescheduleBody = Type.Object(
  { delay: Type.Optional(Duration), deliverAt: Type.Optional(Time) },
  { additionalProperties: false },
)
export type RescheduleBody = Static<typeof RescheduleBody>

const count = Type.Integer({ minimum: 0 })
const Counts = {
  pending_count: count,
  delivered_count: count,
  cancelled_count: count,
  expired_count: count,
}

export const DelayStats = Type.Object({
  ...Counts,
  avg_delay: Type.String({
    description: 'mean of the delays asked for, of all that waited since the start',
  }),
  lateness: Type.Object(
    { p50: Type.String(), p99: Type.String(), max: Type.String() },
    { description: 'from the due time to the append, since the start' },
  ),
  by_topic: Type.Record(Type.String(), Type.Object(Counts)),
  timer_wheel: Type.Object({
    levels: Type.Array(count, { description: 'timers by level' }),
    waiting: Type.Integer({ minimum: 0, description: 'messages too far off for a timer' }),
  }),
})
export type DelayStats = Static<typeof DelayStats>
