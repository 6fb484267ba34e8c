/** Dead letters and redrives. */
import { type Static, Type } from 'typebox'
import { LIMITS } from '../kernel/limits.ts'
import { OffsetNumber, PartitionId, PriorityWord, Time } from './formats.ts'

const Reason = Type.Enum(['max_retries', 'rejected'], {
  description: 'max_retries: it failed once too often; rejected: a worker said never again',
})

const Where = Type.Object({
  topic: Type.String(),
  partition: PartitionId,
  offset: OffsetNumber,
  timestamp: Time,
})

export const DeadLettersQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMITS.readMessagesMax, default: 100 })),
  cursor: Type.Optional(Type.String({ description: 'of the previous reply' })),
  reason: Type.Optional(Reason),
  group: Type.Optional(Type.String()),
  key: Type.Optional(Type.String()),
})

export const DeadLettersReply = Type.Object({
  messages: Type.Array(
    Type.Object({
      partition: PartitionId,
      offset: Type.Integer({ minimum: 0, description: 'in the dead-letter topic' }),
      timestamp: Type.Unsafe<string>({ ...Time, description: 'when it became a dead letter' }),
      key: Type.Union([Type.String(), Type.Null()]),
      value: Type.Union([Type.String(), Type.Null()]),
      encoding: Type.Optional(Type.Literal('base64')),
      priority: PriorityWord,
      headers: Type.Optional(Type.Record(Type.String(), Type.String())),
      original: Type.Union([Where, Type.Null()], {
        description: 'what it was at first; null for what somebody else has written there',
      }),
      record: Type.Union([Where, Type.Null()], {
        description: 'what it was when it died; another one than the original after a redrive',
      }),
      group: Type.Union([Type.String(), Type.Null()]),
      reason: Type.Union([Reason, Type.Null()]),
      cause: Type.Union([Type.Enum(['nack', 'expired', 'died', 'rejected']), Type.Null()], {
        description: 'of the last failure',
      }),
      error: Type.String({ description: 'what the worker said last' }),
      delivery_count: Type.Integer(),
      failures: Type.Integer(),
      redrives: Type.Integer({ description: 'how often it was brought back before' }),
      first_failed_at: Type.Union([Time, Type.Null()]),
      last_failed_at: Type.Union([Time, Type.Null()]),
    }),
  ),
  cursor: Type.String({ description: 'opaque; where to go on' }),
})
export type DeadLettersReply = Static<typeof DeadLettersReply>

export const RedriveBody = Type.Object(
  {
    filter: Type.Optional(
      Type.Object(
        {
          reason: Type.Optional(Reason),
          group: Type.Optional(Type.String()),
          from_time: Type.Optional(Time),
          to_time: Type.Optional(Time),
          key: Type.Optional(Type.String()),
        },
        { additionalProperties: false, description: 'times are those of becoming a dead letter' },
      ),
    ),
    rate: Type.Optional(
      Type.Number({
        minimum: 1,
        maximum: LIMITS.redriveRateMax,
        default: LIMITS.redriveRateDefault,
        description: 'a second',
      }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1 })),
    dry_run: Type.Optional(Type.Boolean({ default: false, description: 'counts, moves nothing' })),
  },
  { additionalProperties: false },
)
export type RedriveBody = Static<typeof RedriveBody>

export const RedriveParams = Type.Object({ topic: Type.String(), task: Type.String() })

export const TaskReply = Type.Object({
  task_id: Type.String(),
  topic: Type.String({ description: 'the dead-letter topic' }),
  state: Type.Enum(['running', 'completed', 'cancelled', 'stopped', 'failed'], {
    description: 'stopped: what it brought back kept failing',
  }),
  dry_run: Type.Boolean(),
  matched: Type.Integer({ description: 'letters that the filter let through' }),
  redriven: Type.Integer(),
  failed_again: Type.Integer({ description: 'dead letters again while it ran' }),
  rate: Type.Number(),
  limit: Type.Union([Type.Integer(), Type.Null()]),
  error: Type.Optional(Type.String()),
  created_at: Time,
  ended_at: Type.Union([Time, Type.Null()]),
})
export type TaskReply = Static<typeof TaskReply>

export const TaskList = Type.Object({
  tasks: Type.Array(TaskReply, { description: 'newest first; ended ones are kept for a while' }),
})
