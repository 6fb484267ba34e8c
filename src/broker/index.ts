/** The broker: the rooms composed, behind one list of operations. */
export {
  DEFAULT_DELAY_SETTINGS,
  type DelayedList,
  type DelayedMessage,
  type DelayedPlace,
  type DelayedState,
  type DelayFigures,
  type DelaySettings,
  type DelayStats,
  DUE_MS_MAX,
  type ListPlace,
  type ListQuery,
} from '../delay/index.ts'
export {
  DEATH_REASONS,
  DEFAULT_DELIVERY_POLICY,
  DEFAULT_DELIVERY_SETTINGS,
  type DeadLetter,
  type Delivered,
  type DeliveredPart,
  type DeliveryFigures,
  type DeliveryPolicy,
  type DeliverySettings,
  deadLetterTopicOf,
  type GroupDelivery,
  type GroupLaneFigures,
  type LaneTotals,
  nonceText,
  type Outcome,
  type PartitionLaneFigures,
  type Piece,
  type PolicyChange,
  type PolicyView,
  type PriorityFigures,
  parseReceipt,
  type RangeOutcome,
  type ReceiptRange,
  type RedriveFilter,
  type Saying,
  type SayingKind,
  type Task,
} from '../delivery/index.ts'
export {
  ASSIGNMENTS,
  type CommitRequest,
  type Floor,
  type FloorChange,
  type GroupFetchRequest,
  type GroupsSettings,
  type GroupView,
  type JoinRequest,
  type Membered,
  type MemberPartitions,
  type Polled,
  type PolledPart,
  type PollRequest,
  partitionNames,
  type Read,
  type ResetRequest,
  type ResetTo,
} from '../groups/index.ts'
export type { HealthCheck } from '../kernel/health.ts'
export type {
  Fetched,
  FetchRead,
  PartitionView,
  PublishedRun,
  PublishMessage,
  PublishOutcome,
  ReadFrom,
  TopicConfig,
  TopicRead,
  TopicReadFrom,
  TopicReadPart,
  TopicsSettings,
  TopicView,
} from '../topics/index.ts'
export { DEFAULT_TOPIC_CONFIG, DEFAULT_TOPICS_SETTINGS } from '../topics/index.ts'
export { Broker, type BrokerLoad, type BrokerOptions, type GroupFigures } from './broker.ts'
export type { DelayOperations } from './delayOperations.ts'
export type { DeliveryOperations } from './deliveryOperations.ts'
export { EmbeddedBroker, type PublishOptions, type ReadOptions } from './embedding.ts'
export type { CommittedOffsets, GroupOperations } from './groupOperations.ts'
export type { CallObserver } from './interceptors/measure.ts'
export {
  type BrokerPort,
  type BrokerStatus,
  type Call,
  compose,
  type Dispatch,
  type Interceptor,
  type OperationName,
  type Operations,
} from './operations.ts'
export type { PriorityOperations } from './priorityOperations.ts'
export { type BrokerSettings, DEFAULT_BROKER_SETTINGS } from './settings.ts'
