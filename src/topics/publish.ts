/**
 * From messages or a raw batch to appends.
 *
 * Every batch of a request is built and checked before the first is appended: one bad message and nothing of
 * the request is written. Records of one request for one partition are one atomic batch; partitions are
 * written beside each other, and where only some of them took theirs the answer is OUTCOME_UNKNOWN and says which.
 */
import { BrokerError } from '../kernel/errors.ts'
import type { Acks, AppendResult, Durability } from '../log/index.ts'
import {
  decodeRecord,
  hasKeys,
  keyPartition,
  type PartitionedRun,
  type RecordBatch,
  recordLength,
  splitByKey,
  type WireProducer,
} from '../record/index.ts'
import { encodeMessages } from './encode.ts'
import { conflict, producerOf, type RequestIdentity } from './idempotency.ts'
import type { Topic } from './topic.ts'
import type { PublishedRun, PublishMessage, PublishOutcome } from './types.ts'

/** Rejects as {@link encodeMessages} throws and as the partition's append does. */
export async function publishMessages(
  topic: Topic,
  messages: readonly PublishMessage[],
  acks: Acks,
): Promise<PublishOutcome> {
  const { runs, runOfMessage } = encodeMessages(topic, messages)
  return await appendAll(topic, runs, runOfMessage, { acks })
}

/**
 * As {@link publishMessages}, once for all requests of that key and body within the window. Rejects with
 * IDEMPOTENCY_CONFLICT where the key came with another body before.
 */
export async function publishRequestOnce(
  topic: Topic,
  messages: readonly PublishMessage[],
  { acks, request, nowMs }: RequestOnce,
): Promise<PublishOutcome> {
  return await topic.requests.once(request, nowMs, async () => {
    const producer = producerOf(request)
    const keylessPartition = keyPartition(request.key, topic.partitions.length)
    const { runs, runOfMessage } = encodeMessages(topic, messages, { keylessPartition, producer })
    try {
      return await appendAll(topic, runs, runOfMessage, { acks, producer })
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
  if (partition !== undefined) {
    topic.partition(partition)
    return await appendOne(topic, { partition, batch }, { acks })
  }
  const sticky = topic.stickyPartition()
  if (topic.partitions.length === 1 || !hasKeys(batch)) {
    topic.placed(batch.count, batch.bytes.length)
    return await appendOne(topic, { partition: sticky, batch }, { acks })
  }
  const { runs, runOfRecord } = splitByKey(batch, topic.partitions.length, sticky)
  return await appendAll(topic, runs, runOfRecord, { acks })
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

interface AppendOptions {
  readonly acks: Acks
  readonly producer?: WireProducer | undefined
}

interface AppendedRun {
  readonly durability: Durability
  readonly run: PublishedRun
}

async function appendRun(
  topic: Topic,
  { partition: index, batch }: PartitionedRun,
  { acks, producer }: AppendOptions,
): Promise<AppendedRun> {
  const partition = topic.partition(index)
  if (producer === undefined) {
    const result = await partition.append(batch, acks)
    return { durability: result.durability, run: publishedRun(index, result) }
  }
  const { result, isDuplicate, isReset } = await partition.appendOnce(batch, acks, producer)
  const run = {
    ...publishedRun(index, result),
    ...(isDuplicate ? { duplicate: true } : {}),
    ...(isReset ? { producerReset: true } : {}),
  }
  return { durability: result.durability, run }
}

const publishedRun = (partition: number, result: AppendResult): PublishedRun => ({
  partition,
  baseOffset: result.baseOffset,
  count: result.count,
  timestampMs: result.timestampMs,
})

async function appendOne(
  topic: Topic,
  partitioned: PartitionedRun,
  options: AppendOptions,
): Promise<PublishOutcome> {
  const { durability, run } = await appendRun(topic, partitioned, options)
  return { durability, runs: [run], runOfMessage: undefined }
}

async function appendAll(
  topic: Topic,
  runs: readonly PartitionedRun[],
  runOfMessage: Uint32Array | undefined,
  options: AppendOptions,
): Promise<PublishOutcome> {
  const [only] = runs
  if (only !== undefined && runs.length === 1) {
    return await appendOne(topic, only, options)
  }
  for (const { partition } of runs) topic.partition(partition).checkOpen()
  const settled = await Promise.allSettled(runs.map((run) => appendRun(topic, run, options)))
  const done: PublishedRun[] = []
  let durability: PublishOutcome['durability'] = 'none'
  for (const each of settled) {
    if (each.status === 'rejected') continue
    done.push(each.value.run)
    durability = each.value.durability
  }
  if (done.length < runs.length) throw partialFailure(runs, settled, done)
  return { durability, runs: done, runOfMessage }
}

function partialFailure(
  runs: readonly PartitionedRun[],
  settled: readonly PromiseSettledResult<AppendedRun>[],
  done: readonly PublishedRun[],
): unknown {
  const fields: Record<string, string> = {}
  let first: unknown
  for (const [i, each] of settled.entries()) {
    if (each.status === 'fulfilled') continue
    first ??= each.reason
    const why = each.reason instanceof BrokerError ? each.reason.message : String(each.reason)
    fields[`partitions[${runs[i]?.partition}]`] = why
  }
  if (done.length === 0) return first
  const written = done.map((run) => run.partition).join(', ')
  return new BrokerError('OUTCOME_UNKNOWN', `only partitions ${written} were written`, {
    fields,
    cause: first,
  })
}
