/** What goes into a producer and what comes back. */
import { BrokerError } from '../../kernel/errors.ts'
import { LIMITS } from '../../kernel/limits.ts'
import {
  NORMAL_PRIORITY,
  type Priority,
  type PriorityName,
  parsePriority,
} from '../../kernel/priority.ts'
import type { RecordHeaders } from '../../record/index.ts'
import { hasWhen, type When, whenProblem } from './due.ts'

/**
 * What is sent. With `delayMs`, `delay` or `deliverAt` the broker keeps it until then and delivers it like any other,
 * never earlier: it has its place in the topic only from that moment on.
 */
export interface Message extends When {
  readonly topic: string
  /** Messages of one key go to one partition, in order. At most 65,535 bytes. */
  readonly key?: string | Uint8Array | undefined
  /** Null is a tombstone. Bytes must not change before the promise settles. */
  readonly value: string | Uint8Array | null
  /** Wins over the key. */
  readonly partition?: number | undefined
  /** Default `normal`. What is `critical` or `high` takes the batch it is in along at once. */
  readonly priority?: PriorityName | Priority | undefined
  readonly headers?: RecordHeaders | undefined
}

export type ClientDurability = 'none' | 'memory' | 'disk'

export interface Delivery {
  readonly topic: string
  readonly partition: number
  /** Of a delayed message the one in the partition's delay log: what it is cancelled by. */
  readonly offset: number
  /** The broker's time of the append, in milliseconds since 1970. */
  readonly timestamp: number
  readonly durability: ClientDurability
  /** It is kept until {@link deliverAt}. */
  readonly delayed?: true
  /** Milliseconds since 1970. */
  readonly deliverAt?: number
}

/** Messages of one sendBatch() that were stored together. */
export interface DeliveredRun {
  readonly topic: string
  readonly partition: number
  /** Of the first; the others follow without a gap. */
  readonly offset: number
  readonly count: number
  readonly timestamp: number
  /** Kept until their time; the offsets are those of the partition's delay log. */
  readonly delayed?: true
}

export interface DeliveredPosition {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly delayed?: true
}

export interface BatchDelivery {
  readonly count: number
  readonly runs: readonly DeliveredRun[]
  /** Partition and offset of each message, in the order of the call. Built when it is asked for. */
  positions(): DeliveredPosition[]
}

/** Throws INVALID_REQUEST where a priority is not one. */
export function priorityOf(value: PriorityName | Priority | undefined): Priority {
  if (value === undefined) return NORMAL_PRIORITY
  const priority = parsePriority(value)
  if (priority === undefined) {
    throw new BrokerError('INVALID_REQUEST', `unknown priority ${String(value)}`)
  }
  return priority
}

/** Why a message cannot be sent, as far as it shows without a look at its topic; undefined where it can. */
export function messageProblem(message: Message): BrokerError | undefined {
  const { key, value, topic, partition, priority } = message
  if (typeof topic !== 'string') return invalid('topic is not a string')
  if (value !== null && typeof value !== 'string' && !(value instanceof Uint8Array)) {
    return invalid('value is neither text nor bytes nor null')
  }
  if (key !== undefined && typeof key !== 'string' && !(key instanceof Uint8Array)) {
    return invalid('key is neither text nor bytes')
  }
  if (partition !== undefined && (!Number.isInteger(partition) || partition < 0)) {
    return invalid('partition is not a number from 0')
  }
  if (priority !== undefined && parsePriority(priority) === undefined) {
    return invalid(`unknown priority ${String(priority)}`)
  }
  const untimely = hasWhen(message) ? whenProblem(message) : undefined
  return untimely === undefined ? sizeProblem(message) : invalid(untimely)
}

function sizeProblem({ key, value }: Message): BrokerError | undefined {
  const keyBytes = sizeOf(key, LIMITS.keyBytesMax)
  if (keyBytes > LIMITS.keyBytesMax) return tooLarge('key', keyBytes, LIMITS.keyBytesMax)
  const valueBytes = sizeOf(value, LIMITS.recordBytesMax)
  if (valueBytes > LIMITS.recordBytesMax) {
    return tooLarge('value', valueBytes, LIMITS.recordBytesMax)
  }
  return undefined
}

/** Exact only where it may exceed `max`. */
function sizeOf(data: string | Uint8Array | null | undefined, max: number): number {
  if (data == null) return 0
  return typeof data === 'string' && data.length * 3 > max ? Buffer.byteLength(data) : data.length
}

const invalid = (message: string): BrokerError => new BrokerError('INVALID_REQUEST', message)
const tooLarge = (what: string, bytes: number, max: number): BrokerError =>
  new BrokerError('RECORD_TOO_LARGE', `${what} of ${bytes} bytes, at most ${max}`)
