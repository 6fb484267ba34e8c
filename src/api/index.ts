/** The HTTP contract as schemas, formats and paths, shared by the listener and the clients. */
export { TAR_TYPE } from './backupRoutes.ts'
export { type Check, checkerOf, invalid, PROBLEMS_MAX } from './checker.ts'
export { CONTRACT, methodsByPath, type RouteContract } from './contract.ts'
export { type DeadLettersReply, RedriveBody, type TaskReply } from './deadLetters.ts'
export {
  type DelayedEntry,
  type DelayedList,
  type DelayStats,
  RescheduleBody,
} from './delayed.ts'
export {
  AckBody,
  NackBody,
  PolicyInput,
  type PolicyReply,
  RECEIPTS_MAX,
  RejectBody,
  type ReliabilityStats,
  VisibilityBody,
} from './delivery.ts'
export { ErrorBody, errorBodyOf, errorOfBody, retryAfterSeconds } from './errorBody.ts'
export {
  decodeFetchFrames,
  FETCH_TYPE,
  FetchBody,
  type FetchFrame,
  fetchFrameHead,
  GroupFetchBody,
  HEADER_REBALANCE,
} from './fetch.ts'
export { formatTime, JSON_TYPE, parseTimeMs } from './formats.ts'
export {
  CommitBody,
  type Floors,
  type GroupReply,
  HeartbeatBody,
  type HeartbeatReply,
  JoinBody,
  type JoinReply,
  LeaveBody,
  type PollReply,
  ResetBody,
  type ResetReply,
} from './groups.ts'
export type {
  CheckResult,
  Health,
  Liveness,
  Readiness,
  Stats,
  Version,
} from './health.ts'
export {
  decodeLeaseParts,
  decodeOutcomes,
  decodeSettle,
  encodeOutcomes,
  encodeSettle,
  LEASE_TYPE,
  LeaseBody,
  type LeasePart,
  leasePartBytes,
  putLeasePart,
  SETTLE_TYPE,
  type SettleOutcome,
  type SettleSaying,
  type SettleWhat,
} from './lease.ts'
export {
  HEADER_HIGH_WATERMARK,
  HEADER_NEXT_OFFSET,
  type OffsetReply,
  type PublishBody,
  type PublishReply,
  type RawPublishReply,
  RECORDS_TYPE,
  type ReadReply,
  type ReadTopicReply,
} from './messages.ts'
export { PATHS, type PathName, pathTo, VERSION_PREFIX } from './paths.ts'
export type { PriorityStats } from './priority.ts'
export {
  ConfigureTopicBody,
  CreateTopicBody,
  type PartitionsReply,
  type TopicConfigInput,
  type TopicConfigReply,
  type TopicReply,
} from './topics.ts'
