/** What is told of priorities. */
import { type Static, Type } from 'typebox'
import { PRIORITIES, type PriorityName } from '../kernel/priority.ts'
import { Time } from './formats.ts'

const each = <T extends Parameters<typeof Type.Array>[0]>(schema: T, description: string) =>
  Type.Object(
    Object.fromEntries(PRIORITIES.map((lane) => [lane, schema])) as Record<PriorityName, T>,
    {
      description,
    },
  )

const LaneStats = Type.Object({
  ready: Type.Integer({
    description: 'can be handed out now; counts for each group that reads it',
  }),
  in_flight: Type.Integer({ description: 'held by members now' }),
  enqueue_rate: Type.Number({ description: 'records a second, over some ten seconds' }),
  dequeue_rate: Type.Number({ description: 'hand-outs a second, over some ten seconds' }),
  last_served_at: Type.Union([Time, Type.Null()], { description: 'null: not since the start' }),
})

export const PriorityStats = Type.Object({
  messages_by_priority: each(Type.Integer(), 'ready, over all groups of mode ack'),
  in_flight_by_priority: each(Type.Integer(), 'held by members now'),
  avg_wait_time_by_priority: each(
    Type.String({ examples: ['12ms'] }),
    'from the append to the first hand-out, since the start',
  ),
  served_share_by_priority: each(Type.Number(), 'of all hand-outs since the start, 0 to 1'),
  weights: each(Type.Integer(), "the broker's; groups and topics may have others"),
  topics: Type.Record(
    Type.String(),
    Type.Record(Type.String(), each(LaneStats, 'of one partition')),
  ),
  groups: Type.Record(
    Type.String(),
    Type.Object({
      weights: each(Type.Integer(), 'in force'),
      boost: Type.String(),
      boosts: Type.Integer({ description: 'turns given to lanes that had waited too long' }),
      low_lanes_share_max: Type.Number(),
      slots: Type.Integer({ description: 'records that its members can hold' }),
      low_lanes_max: Type.Integer({ description: 'of those, for low and background' }),
      in_flight: each(Type.Integer(), 'held by its members now'),
    }),
  ),
})
export type PriorityStats = Static<typeof PriorityStats>
