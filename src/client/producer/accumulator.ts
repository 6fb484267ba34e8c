/**
 * Where messages gather: a queue per partition, the bytes that all of them may hold, and the moments at which a
 * queue is looked at.
 *
 * A queue that got a message that may go now is pumped at the end of the turn, so that what one stretch of code
 * sends goes together. One timer serves all lingering batches: their linger is the same, so the list is in order.
 */
import { BrokerError } from '../../kernel/errors.ts'
import type { Timer } from '../../kernel/platform.ts'
import type { Priority } from '../../kernel/priority.ts'
import {
  keyPartition,
  type RecordInput,
  WIRE_HEADER_BYTES,
  wireRecordBytesMax,
} from '../../record/index.ts'
import type { Asker } from '../connection.ts'
import type { ProducerBatch } from './batch.ts'
import { dueMsOf, hasWhen } from './due.ts'
import { type Message, priorityOf } from './message.ts'
import type { ProducerSettings, ProducerWarning } from './options.ts'
import {
  PartitionQueue,
  type PublishAnswer,
  type QueueHost,
  type QueuePlace,
} from './partitionQueue.ts'
import { publish, type Target, targetOf } from './publish.ts'
import type { Sender } from './senders.ts'
import { type StickyPlace, type Topic, Topics, type TopicsHost } from './topics.ts'

/** The batch it went to; or to be tried again when `roomy` is called: topic not known yet, or buffer full. */
export type Added = ProducerBatch | 'loading' | 'full'

export interface AccumulatorHost {
  /** Calls wait for room or for a topic. */
  readonly isAwaited: boolean
  /** Somebody waits for everything to be settled. */
  readonly isFlushing: boolean
  /** What did not go in may go in now. */
  roomy(): void
}

/** What is as urgent as this does not wait for company. */
const HIGH = 1

/** The one record that is being added: filled anew for each, so that none is made. */
interface Scratch {
  key: string | Uint8Array | undefined
  value: string | Uint8Array | null
  priority: RecordInput['priority']
  extension: RecordInput['extension']
}

export class Accumulator implements QueueHost, TopicsHost {
  readonly settings: ProducerSettings
  readonly asker: Asker
  readonly topics: Topics
  readonly #host: AccumulatorHost
  readonly #targets = new Map<PartitionQueue, Target>()
  /** The queue for delayed messages beside that of a partition, once there was one. */
  readonly #delayed = new Map<PartitionQueue, PartitionQueue>()
  #freeBytes: number
  readonly #scheduled = new Set<PartitionQueue>()
  readonly #lingering: { readonly queue: PartitionQueue; readonly batch: ProducerBatch }[] = []
  #lingerTimer: Timer | undefined
  readonly #scratch: Scratch = {
    key: undefined,
    value: null,
    priority: undefined,
    extension: undefined,
  }

  readonly #origin = { partition: 0, offset: 0, dueMs: 0 }
  readonly #later = { origin: this.#origin }

  constructor(asker: Asker, settings: ProducerSettings, host: AccumulatorHost) {
    this.asker = asker
    this.settings = settings
    this.#host = host
    this.#freeBytes = settings.bufferBytes
    this.topics = new Topics(this)
  }

  get isAwaited(): boolean {
    return this.#host.isAwaited
  }

  get isPressed(): boolean {
    return this.#host.isFlushing || this.#host.isAwaited
  }

  /** Bytes held for messages that are not settled. */
  get heldBytes(): number {
    return this.settings.bufferBytes - this.#freeBytes
  }

  get queues(): Iterable<PartitionQueue> {
    return this.#targets.keys()
  }

  /**
   * `calledMs`: wall-clock time from which its delay counts. Throws what is wrong with the message, or with its topic.
   */
  add(message: Message, sender: Sender, calledMs: number): Added {
    const topic = this.topics.get(message.topic)
    if (topic === undefined) return 'loading'
    const dueMs = hasWhen(message) ? laterMs(message, calledMs) : undefined
    const sticky = dueMs === undefined ? topic.sticky : topic.delayedSticky
    const queue = this.#queueOf(topic, message, sticky, dueMs)
    const record = this.#record(message, dueMs)
    const before = queue.building
    const batch = queue.append(record, wireRecordBytesMax(record))
    if (batch === undefined) return this.#full(record)
    sender.added(batch, dueMs)
    if (message.partition === undefined && record.key === undefined) {
      sticky.place(batch)
      const isOver = before !== undefined && batch !== before
      if (isOver || (batch.isDue && queue.isBusy)) sticky.leave()
    }
    if (dueMs === undefined && (record.priority as Priority) <= HIGH) batch.isDue = true
    if (batch !== before) this.#started(queue, batch)
    if (batch.isDue) this.schedule(queue)
    return batch
  }

  /** Looks at the queue at the end of this turn. */
  schedule(queue: PartitionQueue): void {
    if (this.#scheduled.size === 0) queueMicrotask(this.#pumpScheduled)
    this.#scheduled.add(queue)
  }

  /** Everything that builds is due. */
  press(): void {
    for (const queue of this.queues) if (!queue.isIdle) this.schedule(queue)
  }

  take(bytes: number): boolean {
    if (bytes > this.#freeBytes) return false
    this.#freeBytes -= bytes
    return true
  }

  release(bytes: number): void {
    this.#freeBytes += bytes
    if (this.#host.isAwaited) this.#host.roomy()
  }

  makeQueue(topic: string, partition: number): PartitionQueue {
    return this.#makeQueue({ topic, partition, delayed: false })
  }

  changed(): void {
    this.#host.roomy()
  }

  publish(queue: PartitionQueue, wire: Buffer, timeoutMs: number): Promise<PublishAnswer> {
    this.topics.refresh(queue.topic)
    return publish(this.asker, this.#targets.get(queue) as Target, wire, timeoutMs)
  }

  refused(queue: PartitionQueue, { code }: BrokerError): void {
    if (code === 'TOPIC_NOT_FOUND' || code === 'PARTITION_NOT_FOUND') {
      this.topics.forget(queue.topic)
    }
  }

  warn(warning: ProducerWarning): void {
    this.settings.onWarning(warning)
  }

  /** Gives everything up and stops the timers. */
  abandon(error: BrokerError): void {
    for (const queue of this.queues) queue.abandon(error)
    this.close()
  }

  close(): void {
    this.#lingerTimer?.cancel()
    this.#lingering.length = 0
    this.topics.close()
  }

  #makeQueue(place: QueuePlace): PartitionQueue {
    const queue = new PartitionQueue(place, this)
    this.#targets.set(queue, targetOf(queue, this.settings.acks))
    return queue
  }

  /** Delayed messages of a partition have a queue of their own: they are stored elsewhere. */
  #delayedBeside(queue: PartitionQueue): PartitionQueue {
    let beside = this.#delayed.get(queue)
    if (beside === undefined) {
      const { topic, partition } = queue
      beside = this.#makeQueue({ topic, partition, delayed: true })
      this.#delayed.set(queue, beside)
    }
    return beside
  }

  #queueOf(topic: Topic, message: Message, sticky: StickyPlace, dueMs?: number): PartitionQueue {
    const { queues } = topic
    const { partition, key } = message
    const index = partition ?? (hasKey(key) ? keyPartition(key, queues.length) : sticky.next())
    const queue = queues[index]
    if (queue !== undefined) return dueMs === undefined ? queue : this.#delayedBeside(queue)
    throw new BrokerError(
      'PARTITION_NOT_FOUND',
      `topic ${topic.name} has partitions 0 to ${queues.length - 1}, not ${index}`,
    )
  }

  #record(message: Message, dueMs: number | undefined): Scratch {
    const record = this.#scratch
    const { headers } = message
    record.key = hasKey(message.key) ? message.key : undefined
    record.value = message.value
    record.priority = priorityOf(message.priority)
    if (dueMs !== undefined) {
      this.#origin.dueMs = dueMs
      record.extension = headers === undefined ? this.#later : { headers, origin: this.#origin }
    } else record.extension = headers === undefined ? undefined : { headers }
    return record
  }

  #full(record: RecordInput): 'full' {
    const bytes = WIRE_HEADER_BYTES + wireRecordBytesMax(record)
    if (bytes > this.settings.bufferBytes) {
      const message = `message of about ${bytes} bytes, the buffer has ${this.settings.bufferBytes}`
      throw new BrokerError('RECORD_TOO_LARGE', message)
    }
    return 'full'
  }

  #started(queue: PartitionQueue, batch: ProducerBatch): void {
    if (this.settings.lingerMs === 0 || this.isPressed) this.schedule(queue)
    if (this.settings.lingerMs === 0) return
    this.#lingering.push({ queue, batch })
    if (this.#lingering.length === 1) this.#armLinger()
  }

  #armLinger(): void {
    const first = this.#lingering[0]
    if (first === undefined) return
    const delayMs = Math.max(0, first.batch.dueMs - this.settings.clock.monotonicMs())
    this.#lingerTimer = this.settings.clock.setTimer(delayMs, this.#endLinger)
  }

  readonly #endLinger = (): void => {
    const nowMs = this.settings.clock.monotonicMs()
    const list = this.#lingering
    let ended = 0
    for (const { queue, batch } of list) {
      if (batch.state === 'building' && batch.dueMs > nowMs) break
      if (batch.state === 'building') queue.pump()
      ended += 1
    }
    list.splice(0, ended)
    this.#armLinger()
  }

  readonly #pumpScheduled = (): void => {
    const queues = [...this.#scheduled]
    this.#scheduled.clear()
    for (const queue of queues) queue.pump()
  }
}

/** Undefined where it is for now. */
function laterMs(message: Message, calledMs: number): number | undefined {
  const dueMs = dueMsOf(message, calledMs)
  return dueMs > calledMs ? dueMs : undefined
}

const hasKey = (key: string | Uint8Array | undefined): key is string | Uint8Array =>
  key !== undefined && key.length > 0
