/** Topics: the catalogue and the partitions behind it. */
export type { TopicConfig } from './config.ts'
