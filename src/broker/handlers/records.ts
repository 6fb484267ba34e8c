/** Publishing and reading by offset. Checks here are for callers in the same process; listeners have checked before. */
import { type Delay, DUE_MS_MAX } from '../../delay/index.ts'
import { BrokerError } from '../../kernel/errors.ts'
import { LIMITS } from '../../kernel/limits.ts'
import type { Clock } from '../../kernel/platform.ts'
import { offset } from '../../kernel/units.ts'
import { ACKS, type Acks, type ReadLimit } from '../../log/index.ts'
import type { RecordBatch } from '../../record/index.ts'
import {
  type PublishMessage,
  publishBatch,
  publishMessages,
  publishOnce,
  publishRequestOnce,
  readTopic,
  type TopicReadFrom,
  type Topics,
} from '../../topics/index.ts'
import type { Handlers } from './handler.ts'

type RecordOperation =
  | 'records.publish'
  | 'records.publishBatch'
  | 'records.read'
  | 'records.readTopic'
  | 'records.offsetAtTime'

export interface RecordRooms {
  readonly topics: Topics
  readonly delay: Delay
  readonly clock: Clock
}

export const recordHandlers = ({
  topics,
  delay,
  clock,
}: RecordRooms): Handlers<RecordOperation> => ({
  'records.publish': async ({ topic: name, messages, acks, request }) => {
    checkAcks(acks)
    const topic = topics.get(name)
    const nowMs = clock.nowMs()
    checkDueTimes(messages)
    const appends = delay.laterAppends(topic)
    if (request !== undefined) {
      const once = { acks, request, nowMs, later: appends }
      return await publishRequestOnce(topic, messages, once)
    }
    return await publishMessages(topic, messages, acks, { appends, nowMs })
  },
  'records.publishBatch': async ({ topic, batch, partition, acks, producer }) => {
    checkAcks(acks)
    checkBatch(batch)
    if (producer !== undefined) {
      return await publishOnce(topics.get(topic), batch, partition, { acks, producer })
    }
    return await publishBatch(topics.get(topic), batch, partition, acks)
  },
  'records.read': async (input, { signal }) => {
    const partition = topics.get(input.topic).partition(input.partition)
    const limit = readLimit(input)
    checkFrom(input.from)
    const from = 'offset' in input.from ? offset(input.from.offset) : partition.resolve(input.from)
    return await partition.read(await from, limit, { waitMs: waitMs(input.waitMs), signal })
  },
  'records.readTopic': async (input, { signal }) => {
    const limit = readLimit(input)
    checkFrom(input.from)
    const wait = { waitMs: waitMs(input.waitMs), signal }
    return await readTopic(topics.get(input.topic), input.from, limit, wait)
  },
  'records.offsetAtTime': async ({ topic, partition, timeMs }) => {
    checkFrom({ timeMs })
    return await topics.get(topic).partition(partition).offsetAtTime(timeMs)
  },
})

const invalid = (field: string, what: string): BrokerError =>
  new BrokerError('INVALID_REQUEST', `${field} ${what}`, { fields: { [field]: what } })

function checkAcks(acks: Acks): void {
  if (!ACKS.includes(acks)) throw invalid('acks', `must be one of ${ACKS.join(', ')}`)
}

function checkDueTimes(messages: readonly PublishMessage[]): void {
  for (const [i, { dueMs }] of messages.entries()) {
    if (dueMs === undefined || (Number.isSafeInteger(dueMs) && dueMs <= DUE_MS_MAX)) continue
    throw invalid(`messages[${i}].dueMs`, 'must be a time in milliseconds')
  }
}

export function checkBatch({ bytes, count }: RecordBatch): void {
  if (count < 1) throw invalid('batch', 'must hold a record')
  if (bytes.length <= LIMITS.batchBytesMax && count <= LIMITS.batchRecordsMax) return
  throw new BrokerError('BATCH_TOO_LARGE', `batch of ${count} records, ${bytes.length} bytes`)
}

/** More than the broker gives at once is no error: a reader goes on where the reply ends. */
function readLimit({ maxRecords, maxBytes }: ReadLimit): ReadLimit {
  if (!(maxRecords >= 1)) throw invalid('maxRecords', 'must be at least 1')
  if (!(maxBytes >= 1)) throw invalid('maxBytes', 'must be at least 1')
  return {
    maxRecords: Math.min(Math.floor(maxRecords), LIMITS.readMessagesMax),
    maxBytes: Math.min(Math.floor(maxBytes), LIMITS.readBytesMax),
  }
}

function waitMs(wanted: number): number {
  if (!(wanted >= 0)) throw invalid('waitMs', 'must be at least 0')
  return Math.min(wanted, LIMITS.longPollMsMax)
}

const isOffset = (value: number): boolean => Number.isSafeInteger(value) && value >= 0

function checkFrom(from: TopicReadFrom): void {
  if ('offset' in from) {
    if (!isOffset(from.offset)) throw invalid('offset', 'must be an integer from 0')
  } else if ('positions' in from) {
    if (!from.positions.every(isOffset)) throw invalid('positions', 'must be integers from 0')
  } else if ('timeMs' in from) {
    if (!Number.isFinite(from.timeMs)) throw invalid('timeMs', 'must be a time in milliseconds')
  } else if (from.at !== 'earliest' && from.at !== 'latest') {
    throw invalid('at', 'must be earliest or latest')
  }
}
