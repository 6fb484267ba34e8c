/** The broker: the rooms composed, behind one list of operations. */
export {
  type BrokerPort,
  type BrokerStatus,
  type Call,
  compose,
  type Dispatch,
  type Interceptor,
  type OperationName,
  type Operations,
  type PartitionView,
  type PublishedRun,
  type PublishMessage,
  type PublishOutcome,
  type ReadFrom,
  type TopicReadPart,
  type TopicView,
} from './operations.ts'
