/** The operations of delayed messages. */
import type {
  DelayedList,
  DelayedMessage,
  DelayedPlace,
  DelayStats,
  ListQuery,
} from '../delay/index.ts'
import type { RecordBatch, WireProducer } from '../record/index.ts'
import type { PublishOutcome } from '../topics/index.ts'

interface OfTopic {
  readonly topic: string
}

export interface DelayOperations {
  /**
   * A batch encoded by the client, each record with the time it waits for in its origin. Always on disk before the
   * reply; placed as a batch that does not wait, and once for each sequence of its producer, which counts by itself.
   */
  'delay.publishBatch': {
    input: OfTopic & {
      readonly partition?: number | undefined
      readonly batch: RecordBatch
      readonly producer?: WireProducer | undefined
    }
    output: PublishOutcome
  }
  /** Waiting messages by their times. */
  'delay.list': { input: OfTopic & ListQuery; output: DelayedList }
  /** One, in any state. Without a partition the first that has such a message. */
  'delay.get': {
    input: OfTopic & { readonly partition?: number | undefined; readonly offset: number }
    output: DelayedMessage
  }
  'delay.cancel': { input: OfTopic & DelayedPlace; output: undefined }
  'delay.reschedule': {
    input: OfTopic & DelayedPlace & { readonly dueMs: number }
    output: DelayedMessage
  }
  'delay.stats': { input: Record<string, never>; output: DelayStats }
}
