/** The client: one connection to a broker, and what to ask over it. */

export type {
  DelayedEntry,
  DelayStats,
  Floors,
  GroupReply,
  PartitionsReply,
  PolicyInput,
  PolicyReply,
  PriorityStats,
  RawPublishReply,
  Readiness,
  TopicConfigInput,
  TopicReply,
  Version,
} from '../api/index.ts'
export { BrokerError, type ErrorCode } from '../kernel/errors.ts'
export {
  BatchBuilder,
  type DecodedRecord,
  type RecordBatch,
  type RecordInput,
} from '../record/index.ts'
export {
  Admin,
  type CreatedTopic,
  type CreateTopic,
  type GroupResets,
  type PolicyOf,
  type ResetGroup,
} from './admin.ts'
export { Client } from './client.ts'
export {
  type Access,
  type Answer,
  type Ask,
  type Asker,
  Connection,
  type ConnectionOptions,
  pathOf,
} from './connection.ts'
export {
  type BatchHandler,
  type BatchRunOptions,
  ConsumedMessage,
  Consumer,
  type ConsumerOptions,
  type ConsumerWarning,
  GroupConsumer,
  type GroupConsumerOptions,
  type HandlerContext,
  type MemberOptions,
  type MessageBatch,
  type MessageHandler,
  type Position,
  type ReadingOptions,
  type RunOptions,
  type StartAt,
  type TopicPartition,
} from './consumer/index.ts'
export { Delayed, type DelayedFilter, type DelayedPage, type DelayedPlace } from './delayed.ts'
export type { Download } from './download.ts'
export {
  type BatchDelivery,
  type ClientDurability,
  type DeliveredPosition,
  type DeliveredRun,
  type Delivery,
  type Message,
  Producer,
  type ProducerOptions,
  type ProducerWarning,
  type When,
} from './producer/index.ts'
export {
  type ClientAcks,
  decodeChecked,
  type PublishBatch,
  type ReadRecords,
  Records,
  type RecordsReply,
} from './records.ts'
export {
  type BorrowOptions,
  borrow,
  type CloseOptions,
  type DeadLetter,
  type DeadLetterFilter,
  type DeadLetterPage,
  DeadLetters,
  type OutcomeKind,
  type ReceiptResult,
  Receipts,
  type Redrive,
  type RedriveTask,
  Reject,
  RetryLater,
  type WorkContext,
  Worker,
  type WorkerConnection,
  type WorkerOptions,
  type WorkerStats,
  type WorkerWarning,
  type WorkHandler,
  WorkMessage,
  type WorkOutcome,
} from './worker/index.ts'
