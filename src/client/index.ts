/** The client: one connection to a broker, and what to ask over it. */
export {
  Admin,
  type CreatedTopic,
  type CreateTopic,
  type PartitionDescription,
  type PartitionOffsets,
  type Readiness,
  type TopicDescription,
} from './admin.ts'
export { type Answer, type Ask, Connection, type ConnectionOptions, pathOf } from './connection.ts'
export {
  type ClientAcks,
  decodeChecked,
  type PublishBatch,
  type PublishedRun,
  type PublishReply,
  type ReadRecords,
  Records,
  type RecordsReply,
} from './records.ts'
