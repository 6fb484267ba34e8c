import { MINUTE_MS } from '../kernel/units.ts'
import { DEFAULT_TOPIC_CONFIG, type TopicConfig } from './config.ts'

export interface TopicsSettings {
  /** Partitions of a topic that names no number, 1 to 1024. Default 3. */
  readonly defaultPartitions: number
  /** What a new topic gets for each setting it does not name. */
  readonly defaultConfig: TopicConfig
  /** Topics of the broker; a further one is refused with LIMIT_REACHED. Default 10,000. */
  readonly topicsMax: number
  /** Partitions of all topics together; refused alike. Default 10,000. */
  readonly partitionsMax: number
  /** Long polls that may wait at once; a further one is refused with TOO_MANY_WAITERS. Default 10,000. */
  readonly waitersMax: number
  /** How often retention looks at every partition, in milliseconds. Default 60,000. */
  readonly retentionIntervalMs: number
}

export const DEFAULT_TOPICS_SETTINGS: TopicsSettings = {
  defaultPartitions: 3,
  defaultConfig: DEFAULT_TOPIC_CONFIG,
  topicsMax: 10_000,
  partitionsMax: 10_000,
  waitersMax: 10_000,
  retentionIntervalMs: MINUTE_MS,
}
