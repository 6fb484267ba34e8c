/**
 * Messages of one request become batches: one for each partition that gets any, in one pass, with every bad
 * message noted. Nothing is allocated per message; `bench/` measures it as "encode".
 */
import { BrokerError } from '../kernel/errors.ts'
import { LIMITS } from '../kernel/limits.ts'
import { isPriority, NORMAL_PRIORITY } from '../kernel/priority.ts'
import {
  BatchBuilder,
  HEADER_BYTES,
  keyPartition,
  type PartitionedRun,
  type RecordBatch,
  type RecordInput,
  type WireProducer,
} from '../record/index.ts'
import { Problems } from './problems.ts'
import type { Topic } from './topic.ts'
import type { PublishMessage } from './types.ts'

export interface EncodeOptions {
  /** Where messages without a key go; the topic's sticky partition where it is not said. */
  readonly keylessPartition?: number
  /** Carried by the first record of each batch. */
  readonly producer?: WireProducer | undefined
  /** Messages that are due later wait; without it all go at once. */
  readonly nowMs?: number | undefined
}

export interface EncodedRun extends PartitionedRun {
  /** The records wait, each until the time in its origin. */
  readonly delayed?: boolean
}

export interface EncodedMessages {
  /** By first appearance; those that wait and those that do not are runs of their own. */
  readonly runs: readonly EncodedRun[]
  /** For each message the index of its run; undefined where there is one run. */
  readonly runOfMessage: Uint32Array | undefined
}

/**
 * Throws INVALID_REQUEST, PARTITION_NOT_FOUND or RECORD_TOO_LARGE where messages are bad (`fields` name each as
 * `messages[i]`), or BATCH_TOO_LARGE.
 */
export function encodeMessages(
  topic: Topic,
  messages: readonly PublishMessage[],
  { keylessPartition, producer, nowMs = Number.POSITIVE_INFINITY }: EncodeOptions = {},
): EncodedMessages {
  checkCount(messages)
  const problems = new Problems('messages')
  const keyless = keylessPartition ?? topic.stickyPartition()
  const { first, others } = placeMessages(topic, messages, { problems, keyless, nowMs })
  const context = { topic, problems, producer, isSticky: keylessPartition === undefined, nowMs }
  if (others !== undefined) return encodeRuns(messages, others, context)
  const builder = new BatchBuilder(sizeGuess(messages))
  let sticky = 0
  for (let i = 0; i < messages.length; i += 1) {
    const message = messages[i] as PublishMessage
    if (isKeyless(message)) sticky += 1
    addChecked(builder, message, i, context)
  }
  problems.throwIfAny()
  const batch = builder.take()
  if (sticky > 0 && context.isSticky) topic.placed(sticky, batch.bytes.length)
  return { runs: [runOf(topic, first, batch)], runOfMessage: undefined }
}

/** Places from the number of partitions on are those of messages that wait. */
const runOf = (topic: Topic, place: number, batch: RecordBatch): EncodedRun => {
  const partitions = topic.partitions.length
  return place < partitions
    ? { partition: place, batch }
    : { partition: place - partitions, batch, delayed: true }
}

const isLater = ({ dueMs }: PublishMessage, nowMs: number): boolean =>
  dueMs !== undefined && dueMs > nowMs

function checkCount(messages: readonly PublishMessage[]): void {
  if (messages.length === 0) {
    throw new BrokerError('INVALID_REQUEST', 'there is no message to publish', {
      fields: { messages: 'must not be empty' },
    })
  }
  if (messages.length <= LIMITS.batchRecordsMax) return
  throw new BrokerError(
    'BATCH_TOO_LARGE',
    `${messages.length} messages, at most ${LIMITS.batchRecordsMax} in one request`,
  )
}

interface Placement {
  readonly first: number
  /** The place of each message; undefined where all go to `first`. */
  readonly others: Uint32Array | undefined
}

interface Placing {
  readonly problems: Problems
  readonly keyless: number
  readonly nowMs: number
}

function placeMessages(
  topic: Topic,
  messages: readonly PublishMessage[],
  { problems, keyless, nowMs }: Placing,
): Placement {
  let first = -1
  let others: Uint32Array | undefined
  for (let i = 0; i < messages.length; i += 1) {
    const message = messages[i] as PublishMessage
    const partition = partitionOf(topic, message, keyless)
    if (partition < 0) {
      const last = topic.partitions.length - 1
      problems.add(i, 'PARTITION_NOT_FOUND', `.partition`, `must be an integer from 0 to ${last}`)
      continue
    }
    const place = isLater(message, nowMs) ? partition + topic.partitions.length : partition
    if (first < 0) first = place
    if (others === undefined && place !== first) {
      others = new Uint32Array(messages.length).fill(first, 0, i)
    }
    if (others !== undefined) others[i] = place
  }
  return { first: Math.max(0, first), others }
}

const isKeyless = ({ partition, key }: PublishMessage): boolean =>
  partition === undefined && (key === undefined || key.length === 0)

/** -1 where the message names a partition that there is not. */
function partitionOf(topic: Topic, message: PublishMessage, keyless: number): number {
  const { partition, key } = message
  const count = topic.partitions.length
  if (partition !== undefined) {
    return Number.isInteger(partition) && partition >= 0 && partition < count ? partition : -1
  }
  if (count === 1) return 0
  return key === undefined || key.length === 0 ? keyless : keyPartition(key, count)
}

/**
 * Bytes that the messages will take, for one allocation that fits: exact for ASCII, and with room for the builder
 * to expect three bytes per character of the longest.
 */
function sizeGuess(messages: readonly PublishMessage[]): number {
  let total = 0
  let longest = 0
  for (const { key, value } of messages) {
    const size = (key?.length ?? 0) + (value?.length ?? 0)
    total += HEADER_BYTES + size
    if (size > longest) longest = size
  }
  return total + 2 * longest
}

/** One object for all: adding a message allocates nothing, and nothing but these fields gets into a record. */
const draft: { -readonly [K in keyof RecordInput]: RecordInput[K] } = { value: null }

function addMessage(
  builder: BatchBuilder,
  message: PublishMessage,
  { producer, nowMs }: AddContext,
): void {
  draft.key = message.key
  draft.value = message.value
  draft.priority = message.priority
  draft.extension = message.headers === undefined ? undefined : { headers: message.headers }
  if (producer !== undefined && builder.count === 0) {
    const { producerId, epoch, baseSequence: sequence } = producer
    draft.extension = { producer: { producerId, epoch, sequence }, ...draft.extension }
  }
  if (message.dueMs !== undefined && isLater(message, nowMs)) {
    const origin = { partition: 0, offset: 0, dueMs: message.dueMs }
    draft.extension = { origin, ...draft.extension }
  }
  builder.add(draft)
}

interface AddContext {
  readonly topic: Topic
  readonly problems: Problems
  /** Carried by the first record of each batch. */
  readonly producer: WireProducer | undefined
  /** Messages without a key go to the topic's sticky partition, which wants to know. */
  readonly isSticky: boolean
  readonly nowMs: number
}

function addChecked(
  builder: BatchBuilder,
  message: PublishMessage,
  index: number,
  context: AddContext,
): void {
  const { topic, problems } = context
  if (message.value === undefined) {
    problems.add(index, 'INVALID_REQUEST', '.value', 'is missing')
    return
  }
  if (!isPriority(message.priority ?? NORMAL_PRIORITY)) {
    problems.add(index, 'INVALID_REQUEST', '.priority', 'must be 0 to 4')
    return
  }
  const before = builder.length
  try {
    addMessage(builder, message, context)
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    problems.add(index, error.code, '', error.message)
    return
  }
  const length = builder.length - before
  if (length > topic.config.recordBytesMax) {
    const max = topic.config.recordBytesMax
    problems.add(index, 'RECORD_TOO_LARGE', '', `record of ${length} bytes, at most ${max}`)
  }
  if (builder.length > LIMITS.batchBytesMax) throw batchTooLarge()
}

const batchTooLarge = (): BrokerError =>
  new BrokerError(
    'BATCH_TOO_LARGE',
    `more than ${LIMITS.batchBytesMax} bytes for one partition in one request`,
  )

interface RunBuilder {
  readonly place: number
  readonly builder: BatchBuilder
}

function encodeRuns(
  messages: readonly PublishMessage[],
  places: Uint32Array,
  context: AddContext,
): EncodedMessages {
  const { topic, problems } = context
  const builders: RunBuilder[] = []
  const runOfPlace = new Int32Array(2 * topic.partitions.length).fill(-1)
  const runOfMessage = new Uint32Array(messages.length)
  const capacity = Math.ceil(sizeGuess(messages) / 2)
  let sticky = 0
  for (let i = 0; i < messages.length; i += 1) {
    const message = messages[i] as PublishMessage
    const place = places[i] as number
    let run = runOfPlace[place] as number
    if (run < 0) {
      run = builders.push({ place, builder: new BatchBuilder(capacity) }) - 1
      runOfPlace[place] = run
    }
    runOfMessage[i] = run
    if (isKeyless(message)) sticky += 1
    addChecked((builders[run] as RunBuilder).builder, message, i, context)
  }
  problems.throwIfAny()
  if (sticky > 0 && context.isSticky) topic.placed(sticky, sticky * HEADER_BYTES)
  const runs = builders.map(({ place, builder }) => runOf(topic, place, builder.take()))
  return { runs, runOfMessage }
}
