/**
 * The messages of one partition on their way, in order: one batch that builds, those ready behind their turn, and
 * the window of those that were sent (see window.ts).
 *
 *   append -> building -> ready -> window -> settled
 *
 * pump() does whatever is due and is called whenever something may have become so: a batch filled up or lingered
 * long enough, an answer came, a wait is over. Nothing new is sent while a batch waits to be sent again; those that
 * failed are sent again together and in order, once no answer is outstanding.
 */
import { BrokerError } from '../../kernel/errors.ts'
import { LIMITS } from '../../kernel/limits.ts'
import type { Timer } from '../../kernel/platform.ts'
import { type RecordInput, WIRE_HEADER_BYTES } from '../../record/index.ts'
import { asBrokerError } from '../asBrokerError.ts'
import { ProducerBatch, type Stored } from './batch.ts'
import { late, mayBeStored, uncertain } from './failures.ts'
import type { Flush } from './flush.ts'
import type { ProducerSettings, ProducerWarning } from './options.ts'
import { RetryPace } from './retryPace.ts'
import { Window } from './window.ts'

/** The broker's word on a batch. */
export interface PublishAnswer extends Stored {
  /** The broker did not know the producer and took the batch as a new start. */
  readonly isReset: boolean
}

export interface QueuePlace {
  readonly topic: string
  readonly partition: number
  readonly delayed: boolean
}

/** What a queue needs of the producer around it. */
export interface QueueHost {
  readonly settings: ProducerSettings
  /** Everything is due: somebody flushes, or waits for room. */
  readonly isPressed: boolean
  /** Takes `bytes` of the buffer; false where it has not as much left. */
  take(bytes: number): boolean
  /** Gives bytes of the buffer back. */
  release(bytes: number): void
  publish(queue: PartitionQueue, wire: Buffer, timeoutMs: number): Promise<PublishAnswer>
  /** A batch failed for good. */
  refused(queue: PartitionQueue, error: BrokerError): void
  warn(warning: ProducerWarning): void
}

const FIRST_CAPACITY_BYTES = 1024

export class PartitionQueue {
  readonly topic: string
  readonly partition: number
  /** Of messages for the partition's delay log. */
  readonly delayed: boolean
  readonly #host: QueueHost
  readonly #window: Window
  readonly #retries: RetryPace
  readonly #ready: ProducerBatch[] = []
  #building: ProducerBatch | undefined
  /** Bytes the last batch took: what the next one begins with. */
  #usualBytes = FIRST_CAPACITY_BYTES
  #timer: Timer | undefined
  /** The broker refuses this epoch for good. */
  #isFenced = false

  constructor({ topic, partition, delayed }: QueuePlace, host: QueueHost) {
    this.topic = topic
    this.partition = partition
    this.delayed = delayed
    this.#host = host
    this.#window = new Window(host.settings)
    this.#retries = new RetryPace(host.settings)
  }

  get building(): ProducerBatch | undefined {
    return this.#building
  }

  get isIdle(): boolean {
    const isEmpty = this.#building === undefined && this.#ready.length === 0
    return isEmpty && this.#window.batches.length === 0
  }

  /** True where a batch that becomes due now would have to wait. */
  get isBusy(): boolean {
    return this.#ready.length > 0 || this.#window.failed !== undefined || !this.#window.hasRoom
  }

  /**
   * Adds a record of at most `bytesMax` bytes; the batch it went to, or undefined where the buffer is full.
   * Throws RECORD_TOO_LARGE.
   */
  append(record: RecordInput, bytesMax: number): ProducerBatch | undefined {
    const { settings } = this.#host
    let batch = this.#building
    if (batch !== undefined && this.#isOver(batch, bytesMax)) {
      this.#close(batch)
      batch = undefined
    }
    if (batch === undefined) batch = this.#open(bytesMax)
    else if (!this.#makeRoom(batch, bytesMax)) return undefined
    if (batch === undefined) return undefined
    try {
      batch.builder.add(record)
    } catch (error) {
      if (batch !== this.#building) this.#host.release(batch.builder.capacity)
      throw error
    }
    this.#building = batch
    const { count, length } = batch.builder
    if (count >= settings.batchMessages || length >= settings.batchBytes) batch.isDue = true
    return batch
  }

  /** Sends what may be sent now; gives up what is past its time. */
  pump(): void {
    const nowMs = this.#host.settings.clock.monotonicMs()
    this.#timer?.cancel()
    this.#giveUpLate(nowMs)
    const failed = this.#window.failed
    const isAwaited = this.#window.flying > 0
    if (isAwaited && (this.#isFenced || failed !== undefined)) return
    if (this.#isFenced) this.#startAsAnother()
    if (failed !== undefined) {
      const { nextMs } = this.#retries
      if (nowMs < nextMs) {
        this.#wake(Math.min(nextMs, failed.deadlineMs) - nowMs)
        return
      }
      this.#sendAgain(nowMs)
      if (this.#window.failed !== undefined) return
    }
    this.#window.checkSilence(nowMs)
    while (this.#window.hasRoom) {
      const batch = this.#nextDue(nowMs)
      if (batch === undefined) return
      this.#window.push(batch)
      this.#send(batch, nowMs)
    }
  }

  /** Every batch that is not settled. */
  *unsettled(): Generator<ProducerBatch> {
    yield* this.#window.batches
    yield* this.#ready
    if (this.#building !== undefined) yield this.#building
  }

  joinFlush(flush: Flush): void {
    for (const batch of this.unsettled()) batch.join(flush)
  }

  /** Gives everything up; answers that still come are not listened to. */
  abandon(error: BrokerError): void {
    for (const batch of [...this.unsettled()]) {
      const isUncertain = batch.isUncertain || batch.state === 'flying'
      this.#settle(batch, isUncertain ? uncertain(error) : error)
    }
    this.#timer?.cancel()
  }

  #isOver({ builder }: ProducerBatch, bytesMax: number): boolean {
    const { requestBytes } = this.#host.settings
    return builder.length + bytesMax > requestBytes || builder.count >= LIMITS.batchRecordsMax
  }

  #open(bytesMax: number): ProducerBatch | undefined {
    const { settings } = this.#host
    const needed = WIRE_HEADER_BYTES + bytesMax
    let capacityBytes = Math.max(needed, Math.min(this.#usualBytes, settings.requestBytes))
    if (!this.#host.take(capacityBytes)) {
      capacityBytes = needed
      if (!this.#host.take(capacityBytes)) return undefined
    }
    const nowMs = settings.clock.monotonicMs()
    return new ProducerBatch({
      capacityBytes,
      idempotent: settings.idempotent,
      dueMs: nowMs + settings.lingerMs,
      deadlineMs: nowMs + settings.deliveryTimeoutMs,
    })
  }

  #makeRoom({ builder }: ProducerBatch, bytesMax: number): boolean {
    const { capacity } = builder
    const needed = builder.length + bytesMax
    if (needed <= capacity) return true
    const doubled = Math.max(needed, Math.min(capacity * 2, this.#host.settings.requestBytes))
    for (const grown of [doubled, needed]) {
      if (!this.#host.take(grown - capacity)) continue
      builder.grow(grown)
      return true
    }
    return false
  }

  #close(batch: ProducerBatch): void {
    batch.state = 'ready'
    this.#ready.push(batch)
    this.#building = undefined
  }

  #nextDue(nowMs: number): ProducerBatch | undefined {
    const batch = this.#ready.shift() ?? this.#building
    if (batch === undefined || batch !== this.#building) return batch
    const isLingered = nowMs >= batch.dueMs && this.#goesPartial()
    if (!batch.isDue && !isLingered && !this.#host.isPressed) return undefined
    this.#building = undefined
    return batch
  }

  /** Without linger a batch that is not full goes when nothing is under way: what comes meanwhile gathers. */
  #goesPartial(): boolean {
    return this.#host.settings.lingerMs > 0 || this.#window.flying === 0
  }

  #send(batch: ProducerBatch, nowMs: number): void {
    const { requestTimeoutMs } = this.#host.settings
    batch.state = 'flying'
    batch.isRefused = false
    batch.wasFirst = this.#window.isFirst(batch)
    this.#window.flying += 1
    this.#usualBytes = Math.max(batch.builder.length, FIRST_CAPACITY_BYTES)
    const timeoutMs = Math.max(1, Math.min(requestTimeoutMs, batch.deadlineMs - nowMs))
    this.#host.publish(this, batch.wire as Buffer, timeoutMs).then(
      (answer) => this.#answered(batch, answer),
      (error: unknown) => this.#failed(batch, error),
    )
  }

  #answered(batch: ProducerBatch, answer: PublishAnswer): void {
    this.#window.flying -= 1
    if (batch.state !== 'flying') return
    this.#window.established(this.#host.settings.clock.monotonicMs())
    this.#retries.succeeded()
    if (answer.isReset) {
      this.#warn('PRODUCER_RESET', 'the broker no longer knew this producer and took a new start')
    }
    this.#settle(batch, answer)
    this.pump()
  }

  #failed(batch: ProducerBatch, reason: unknown): void {
    this.#window.flying -= 1
    if (batch.state !== 'flying') return
    const error = asBrokerError(reason)
    const { code } = error
    batch.lastError = error
    if (mayBeStored(error)) batch.isUncertain = true
    if (code === 'OUT_OF_ORDER_SEQUENCE') {
      batch.state = 'failed'
      batch.isRefused = batch.wasFirst
      if (batch.isRefused && !this.#window.isEstablished) this.#retries.failed(error)
    } else if (error.retryable || mayBeStored(error)) {
      batch.state = 'failed'
      this.#retries.failed(error)
    } else {
      if (code === 'INVALID_PRODUCER_EPOCH') this.#isFenced = true
      this.#settle(batch, error)
      this.#host.refused(this, error)
    }
    this.pump()
  }

  #sendAgain(nowMs: number): void {
    const window = this.#window
    if (window.batches[0]?.isRefused) {
      for (const batch of window.stranded()) this.#settle(batch, late(batch))
      window.newEpoch()
      this.#warn('SEQUENCE_GAP', 'the broker misses records before this batch: a new epoch begins')
    }
    for (const batch of window.batches) {
      this.#send(batch, nowMs)
      if (!window.isEstablished) return
    }
  }

  #startAsAnother(): void {
    this.#isFenced = false
    for (const batch of [...this.#window.batches]) {
      if (batch.isUncertain) this.#settle(batch, late(batch))
    }
    this.#window.newProducer()
  }

  #giveUpLate(nowMs: number): void {
    for (const batch of [...this.#window.batches]) {
      if (batch.state === 'failed' && nowMs >= batch.deadlineMs) this.#settle(batch, late(batch))
    }
    while (this.#ready[0] !== undefined && nowMs >= this.#ready[0].deadlineMs) {
      this.#settle(this.#ready[0], late(this.#ready[0]))
    }
    const building = this.#building
    if (building !== undefined && nowMs >= building.deadlineMs) {
      this.#settle(building, late(building))
    }
  }

  #settle(batch: ProducerBatch, outcome: Stored | BrokerError): void {
    if (batch === this.#building) this.#building = undefined
    else if (batch.state === 'ready') this.#ready.splice(this.#ready.indexOf(batch), 1)
    else this.#window.remove(batch, !(outcome instanceof BrokerError))
    if (outcome instanceof BrokerError) batch.failed(outcome)
    else batch.stored(outcome)
    this.#host.release(batch.builder.capacity)
  }

  #wake(delayMs: number): void {
    this.#timer?.cancel()
    this.#timer = this.#host.settings.clock.setTimer(Math.max(0, delayMs), () => this.pump())
  }

  #warn(code: ProducerWarning['code'], what: string): void {
    const { topic, partition } = this
    this.#host.warn({ code, topic, partition, message: `${topic}-${partition}: ${what}` })
  }
}
