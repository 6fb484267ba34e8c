/** Health and status. */
import { type Static, Type } from 'typebox'
import { Duration, Time } from './formats.ts'

/** More fields may come; readers pass over what they do not know. */
const open = { additionalProperties: true }

export const Health = Type.Object(
  { status: Type.Enum(['ok', 'degraded', 'fail']), timestamp: Time },
  open,
)

export const Liveness = Type.Object(
  {
    status: Type.Enum(['pass', 'fail']),
    timestamp: Time,
    uptime: Duration,
    message: Type.Optional(Type.String()),
  },
  open,
)

export const CheckResult = Type.Object({
  status: Type.Enum(['pass', 'warn', 'fail']),
  message: Type.String(),
  latency: Duration,
})
export type CheckResult = Static<typeof CheckResult>

export const Readiness = Type.Object(
  {
    ...Liveness.properties,
    checks: Type.Record(Type.String(), CheckResult),
    broker: Type.Object({
      node_id: Type.Integer(),
      topic_count: Type.Integer(),
      total_size: Type.Integer({ description: 'bytes' }),
    }),
  },
  open,
)

export const Version = Type.Object({
  version: Type.String(),
  git_commit: Type.Optional(Type.String()),
  build_time: Type.Optional(Time),
  node_version: Type.String(),
})

const TopicStats = Type.Object(
  {
    partitions: Type.Integer(),
    total_messages: Type.Integer(),
    total_size_bytes: Type.Integer(),
    segments: Type.Integer(),
  },
  open,
)

export const Stats = Type.Object(
  {
    node_id: Type.Integer(),
    uptime: Duration,
    topics: Type.Integer(),
    total_size_bytes: Type.Integer(),
    topic_stats: Type.Record(Type.String(), TopicStats),
  },
  open,
)

export const ReadyzQuery = Type.Object({
  verbose: Type.Optional(Type.String({ description: 'the checks are always in the reply' })),
})

export type Health = Static<typeof Health>
export type Liveness = Static<typeof Liveness>
export type Readiness = Static<typeof Readiness>
export type Version = Static<typeof Version>
export type Stats = Static<typeof Stats>
