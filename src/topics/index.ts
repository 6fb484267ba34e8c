/** Topics: the catalogue and the partitions behind it. */
export type { LaterAppends } from './appendRuns.ts'
export { DEFAULT_TOPIC_CONFIG, type TopicConfig } from './config.ts'
export type { Fetched, FetchRead, FetchWait } from './fetch.ts'
export { IDEMPOTENCY_WINDOW_MS, type RequestIdentity } from './idempotency.ts'
export { type AppendedOnce, type AppendListener, Partition } from './partition.ts'
export type { ProducersSnapshot } from './producers.ts'
export {
  type Later,
  publishBatch,
  publishLater,
  publishMessages,
  publishOnce,
  publishRequestOnce,
} from './publish.ts'
export { readTopic, type TopicReadFrom } from './readTopic.ts'
export type { NewTopic } from './request.ts'
export { DEFAULT_TOPICS_SETTINGS, type TopicsSettings } from './settings.ts'
export type { Topic } from './topic.ts'
export { Topics, type TopicsOptions } from './topics.ts'
export type {
  PartitionView,
  PublishedRun,
  PublishMessage,
  PublishOutcome,
  ReadFrom,
  TopicRead,
  TopicReadPart,
  TopicView,
} from './types.ts'
export { type Wait, WaiterBudget } from './waiters.ts'
