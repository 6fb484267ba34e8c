/** Reading messages. */
export { Consumer, type ConsumerOptions, type StartAt } from './consumer.ts'
export type { TopicPartition } from './cursor.ts'
export type {
  BatchHandler,
  BatchRunOptions,
  HandlerContext,
  MessageBatch,
  MessageHandler,
  RunOptions,
} from './delivery.ts'
export { GroupConsumer, type GroupConsumerOptions } from './groupConsumer.ts'
export { ConsumedMessage } from './message.ts'
export type { ConsumerWarning, MemberOptions, ReadingOptions } from './options.ts'
export type { Position } from './reading.ts'
