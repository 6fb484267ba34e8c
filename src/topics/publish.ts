/**
 * From messages or a raw batch to appends.
 *
 * Every batch of a request is built and checked before the first is appended: one bad message and nothing of
 * the request is written. Records of one request for one partition are one atomic batch; partitions are
 * written beside each other, and where only some of them took theirs the answer is OUTCOME_UNKNOWN and says which.
 */
import { BrokerError } from '../kernel/errors.ts'
import type { Acks } from '../log/index.ts'
import {
  AT_FLAGS,
  decodeRecord,
  FLAG,
  hasKeys,
  keyPartition,
  type RecordBatch,
  recordLength,
  splitByKey,
  type WireProducer,
} from '../record/index.ts'
import { appendAll, appendRun, type LaterAppends, publishedRun } from './appendRuns.ts'
import { type EncodedRun, encodeMessages } from './encode.ts'
import { conflict, producerOf, type RequestIdentity } from './idempotency.ts'
import type { Topic } from './topic.ts'
import type { PublishMessage, PublishOutcome } from './types.ts'

/** How messages with a due time wait; without it all are delivered at once. */
export interface Later {
  readonly appends: LaterAppends
  /** What is due by this time does not wait. */
  readonly nowMs: number
}

/** Rejects as {@link encodeMessages} throws and as the partition's append does. */
export async function publishMessages(
  topic: Topic,
  messages: readonly PublishMessage[],
  acks: Acks,
  later?: Later,
): Promise<PublishOutcome> {
  const encoded = encodeMessages(topic, messages, { nowMs: later?.nowMs })
  return await appendAll(topic, encoded, { acks, later: later?.appends })
}

/**
 * As {@link publishMessages}, once for all requests of that key and body within the window. Rejects with
 * IDEMPOTENCY_CONFLICT where the key came with another body before.
 */
export async function publishRequestOnce(
  topic: Topic,
  messages: readonly PublishMessage[],
  { acks, request, nowMs, later }: RequestOnce,
): Promise<PublishOutcome> {
  return await topic.requests.once(request, nowMs, async () => {
    const producer = producerOf(request)
    const keylessPartition = keyPartition(request.key, topic.partitions.length)
    const options = { keylessPartition, producer, nowMs: later && nowMs }
    const encoded = encodeMessages(topic, messages, options)
    try {
      return await appendAll(topic, encoded, { acks, producer, later })
    } catch (error) {
      // Under the same id the log knows another body.
      const isOther = error instanceof BrokerError && error.code === 'OUT_OF_ORDER_SEQUENCE'
      throw isOther ? conflict(request.key) : error
    }
  })
}

export interface RequestOnce {
  readonly acks: Acks
  readonly request: RequestIdentity
  readonly nowMs: number
  /** As {@link Later} has it, by `nowMs`. */
  readonly later?: LaterAppends | undefined
}

/**
 * Appends a batch whose form was checked before. Without a partition: as it is to the sticky one where no record
 * has a key, else split by key. Rejects with PARTITION_NOT_FOUND, RECORD_TOO_LARGE, and as append does.
 */
export async function publishBatch(
  topic: Topic,
  batch: RecordBatch,
  partition: number | undefined,
  acks: Acks,
): Promise<PublishOutcome> {
  checkRecordSizes(topic, batch)
  checkProducerSection(batch, undefined)
  const only = partition ?? solePartition(topic, batch)
  if (only !== undefined) {
    // Not by way of appendOne: the usual publish is spared two turns of the microtask queue.
    const result = await topic.partition(only).append(batch, acks)
    return {
      durability: result.durability,
      runs: [publishedRun(only, result)],
      runOfMessage: undefined,
    }
  }
  const { runs, runOfRecord } = splitByKey(batch, topic.partitions.length, topic.stickyPartition())
  return await appendAll(topic, { runs, runOfMessage: runOfRecord }, { acks })
}

/**
 * Has a raw batch of records that are to wait taken. Placed as {@link publishBatch} places one. Rejects as that does,
 * and as {@link LaterAppends} do.
 */
export async function publishLater(
  topic: Topic,
  batch: RecordBatch,
  { partition, later, producer }: RawLater,
): Promise<PublishOutcome> {
  checkRecordSizes(topic, batch)
  if (producer !== undefined && partition === undefined) {
    throw refused('partition', 'must be named with a producer id')
  }
  checkProducerSection(batch, producer)
  const options = { acks: 'all', producer, later } as const
  const run = (index: number): EncodedRun => ({ partition: index, batch, delayed: true })
  if (partition !== undefined) topic.partition(partition)
  const only = partition ?? solePartition(topic, batch)
  if (only !== undefined) {
    return await appendAll(topic, { runs: [run(only)], runOfMessage: undefined }, options)
  }
  const { runs, runOfRecord } = splitByKey(batch, topic.partitions.length, topic.stickyPartition())
  const delayed = runs.map((each) => ({ delayed: true, ...each }))
  return await appendAll(topic, { runs: delayed, runOfMessage: runOfRecord }, options)
}

/** Where a batch goes as it is, if it does not name a partition; undefined where it is to be split by key. */
function solePartition(topic: Topic, batch: RecordBatch): number | undefined {
  if (topic.partitions.length > 1 && hasKeys(batch)) return undefined
  const sticky = topic.stickyPartition()
  topic.placed(batch.count, batch.bytes.length)
  return sticky
}

export interface RawLater {
  readonly partition: number | undefined
  readonly later: LaterAppends
  readonly producer: WireProducer | undefined
}

/**
 * Appends a batch of an idempotent producer once, however often it is sent. The partition must be named: the
 * sequence counts within it. Rejects with INVALID_REQUEST, OUT_OF_ORDER_SEQUENCE, INVALID_PRODUCER_EPOCH, and as
 * {@link publishBatch} does.
 */
export async function publishOnce(
  topic: Topic,
  batch: RecordBatch,
  partition: number | undefined,
  { acks, producer }: { readonly acks: Acks; readonly producer: WireProducer },
): Promise<PublishOutcome> {
  checkRecordSizes(topic, batch)
  if (partition === undefined) throw refused('partition', 'must be named with a producer id')
  checkProducerSection(batch, producer)
  const { durability, run } = await appendRun(topic, { partition, batch }, { acks, producer })
  return { durability, runs: [run], runOfMessage: undefined }
}

const refused = (field: string, what: string): BrokerError =>
  new BrokerError('INVALID_REQUEST', `${field} ${what}`, { fields: { [field]: what } })

/** What the batch says of its producer must stand in its first record too: that is what the log remembers by. */
function checkProducerSection({ bytes }: RecordBatch, producer: WireProducer | undefined): void {
  // The usual record has nothing of the kind, and is not taken apart to find that.
  const isPlain = ((bytes[AT_FLAGS] as number) & FLAG.EXTENSION) === 0
  if (isPlain && producer === undefined) return
  const mark = decodeRecord(bytes, 0).extension?.producer
  const agrees =
    mark?.producerId === producer?.producerId &&
    mark?.epoch === producer?.epoch &&
    mark?.sequence === producer?.baseSequence
  if (!agrees) throw refused('producer', 'must be the same in the batch and its first record')
}

function checkRecordSizes(topic: Topic, { bytes }: RecordBatch): void {
  const max = topic.config.recordBytesMax
  // No record is larger than all of them together: the usual batch is not walked at all.
  if (bytes.length <= max) return
  for (let at = 0, i = 0; at < bytes.length; i += 1) {
    const length = recordLength(bytes, at)
    if (length > max) {
      const message = `record ${i} of ${length} bytes, at most ${max}`
      throw new BrokerError('RECORD_TOO_LARGE', message, {
        fields: { [`messages[${i}]`]: message },
      })
    }
    at += length
  }
}
