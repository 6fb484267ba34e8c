/**
 * One partition: a log, who waits for it to grow, and who is told what was appended.
 *
 *   opening ──▶ open ──▶ deleted | stopped
 *      └──────▶ unavailable   the log would not open; the rest of the broker goes on without it
 */
import { BrokerError } from '../kernel/errors.ts'
import { InFlight } from '../kernel/inFlight.ts'
import type { Clock } from '../kernel/platform.ts'
import { type Offset, offset } from '../kernel/units.ts'
import type {
  Acks,
  Admission,
  AppendResult,
  LaneCounts,
  Lanes,
  LogEngine,
  LogOffsets,
  OffsetAtTime,
  PartitionLog,
  ReadLimit,
  ReadResult,
  RetentionPolicy,
} from '../log/index.ts'
import type { RecordBatch, WireProducer } from '../record/index.ts'
import { topicNotFound } from './catalogue.ts'
import { PartitionProducers, type ProducersSnapshot } from './producers.ts'
import type { PartitionView, ReadFrom } from './types.ts'
import { type Wait, type WaiterBudget, WaitQueue } from './waiters.ts'

/**
 * Told of each range of offsets that became readable, in order, in the turn in which it did, and of how many records
 * of it are in which lane. Must not throw.
 */
export type AppendListener = (from: Offset, next: Offset, lanes: LaneCounts) => void

export interface AppendedOnce {
  readonly result: AppendResult
  /** It had been appended before; the result is that of then. */
  readonly isDuplicate: boolean
  /** The producer was not known, and the batch taken as a new start. */
  readonly isReset: boolean
}

export interface PartitionOptions {
  readonly topic: string
  readonly index: number
  /** Where its log lies in the engine. */
  readonly path: string
  readonly clock: Clock
  readonly waiters: WaiterBudget
  /** Called after each append. */
  readonly onGrown: () => void
  /** Called with the bytes of each append before it is made. */
  readonly onAppending: (bytes: number) => void
}

export class Partition {
  readonly topic: string
  readonly index: number
  readonly path: string
  readonly #onGrown: () => void
  readonly #onAppending: (bytes: number) => void
  readonly #waiters: WaitQueue
  readonly #inFlight = new InFlight()
  readonly #listeners = new Set<AppendListener>()
  readonly #clock: Clock
  readonly #producers = new PartitionProducers()
  #log: PartitionLog | undefined
  #known = offset(0)
  #problem: string | undefined
  #closed: 'deleted' | 'stopped' | undefined

  constructor(options: PartitionOptions) {
    this.topic = options.topic
    this.index = options.index
    this.path = options.path
    this.#onGrown = options.onGrown
    this.#onAppending = options.onAppending
    this.#clock = options.clock
    this.#waiters = new WaitQueue(options.waiters, options.clock)
  }

  /** Why it does not serve, or takes no writes; undefined when all is well. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** True where appends and reads may succeed. */
  get isOpen(): boolean {
    return this.#log !== undefined && this.#closed === undefined
  }

  get waiterCount(): number {
    return this.#waiters.size
  }

  /** Resolves when the log is open; where it will not open the partition is unavailable and the rejection says why. */
  async open(
    engine: LogEngine,
    segmentBytes: number,
    producers?: ProducersSnapshot | undefined,
  ): Promise<void> {
    try {
      const log = await engine.open(this.path, {
        segmentBytes,
        onAppended: (next, lanes) => this.#appended(next, lanes),
      })
      await this.#producers.recover(log, producers)
      this.#log = log
      this.#known = this.#log.offsets().next
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error)
      throw error
    }
  }

  /** As {@link PartitionLog.append}; also rejects with PARTITION_UNAVAILABLE, TOPIC_NOT_FOUND or SHUTTING_DOWN. */
  async append(batch: RecordBatch, acks: Acks, admission?: Admission): Promise<AppendResult> {
    const log = this.#opened()
    this.#onAppending(batch.bytes.length)
    try {
      return await log.append(batch, acks, admission)
    } catch (error) {
      throw this.#explained(error)
    }
  }

  /**
   * Appends a batch of an idempotent producer, or finds that it was appended before. Rejects as {@link append} does
   * and with OUT_OF_ORDER_SEQUENCE or INVALID_PRODUCER_EPOCH.
   */
  async appendOnce(batch: RecordBatch, acks: Acks, producer: WireProducer): Promise<AppendedOnce> {
    const log = this.#opened()
    this.#onAppending(batch.bytes.length)
    const admission = this.#producers.admission(producer, batch.count, this.#clock.nowMs())
    try {
      const result = await log.append(batch, acks, admission)
      return { result, isDuplicate: admission.isDuplicate, isReset: admission.isReset }
    } catch (error) {
      throw this.#explained(error)
    }
  }

  /** What to remember of its producers; undefined where the partition does not serve. */
  producers(): ProducersSnapshot | undefined {
    return this.#log && this.#producers.snapshot(this.#log.offsets().next)
  }

  /** Throws what {@link append} would reject with before it wrote anything. */
  checkOpen(): void {
    this.#opened()
  }

  /**
   * Records from `from` on. With a wait and nothing there yet, resolves as soon as there is something, with nothing
   * when the time is up. Rejects with OFFSET_OUT_OF_RANGE (`fields` name the earliest and the latest), CANCELLED, and
   * as {@link append} does.
   */
  async read(from: Offset, limit: ReadLimit, wait?: Wait): Promise<ReadResult> {
    const log = this.#opened()
    this.#inFlight.enter()
    try {
      const { start, next } = log.offsets()
      if (from < start || from > next) throw outOfRange(this, from, log.offsets())
      if (wait !== undefined && from === next) await this.#waiters.wait(from, wait)
      return await log.read(from, limit)
    } catch (error) {
      throw this.#explained(error)
    } finally {
      this.#inFlight.leave()
    }
  }

  /** The offset that `from` means now: a time means the first record at or after it, or the end of the log. */
  async resolve(from: ReadFrom): Promise<Offset> {
    if ('offset' in from) return offset(from.offset)
    if ('at' in from) return from.at === 'earliest' ? this.offsets().start : this.offsets().next
    const found = await this.offsetAtTime(from.timeMs)
    return found?.offset ?? this.offsets().next
  }

  async offsetAtTime(timeMs: number): Promise<OffsetAtTime | undefined> {
    const log = this.#opened()
    this.#inFlight.enter()
    try {
      return await log.offsetAtTime(timeMs)
    } catch (error) {
      throw this.#explained(error)
    } finally {
      this.#inFlight.leave()
    }
  }

  async retain(policy: RetentionPolicy): Promise<Offset> {
    const log = this.#opened()
    this.#inFlight.enter()
    try {
      return await log.retain(policy)
    } finally {
      this.#inFlight.leave()
    }
  }

  /** As {@link PartitionLog.truncateBefore}. */
  async truncateBefore(before: Offset): Promise<Offset> {
    const log = this.#opened()
    this.#inFlight.enter()
    try {
      return await log.truncateBefore(before)
    } finally {
      this.#inFlight.leave()
    }
  }

  offsets(): LogOffsets {
    return this.#opened().offsets()
  }

  /** Which of its offsets are in which lane. Throws as {@link offsets} does. */
  get lanes(): Lanes {
    return this.#opened().lanes
  }

  /** Size in bytes at which the next segment is sealed; the active one keeps what it was opened with where the engine cannot change it. */
  setSegmentBytes(segmentBytes: number): void {
    this.#log?.configure?.({ segmentBytes })
  }

  /** Returns how to stop listening. */
  subscribe(listener: AppendListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  view(): PartitionView {
    const offsets = this.#log?.offsets()
    const stats = this.#log?.stats()
    return {
      partition: this.index,
      earliest: offsets?.start ?? 0,
      latest: offsets?.next ?? 0,
      sizeBytes: stats?.sizeBytes ?? 0,
      segments: stats?.segments ?? 0,
      problem: this.#problem,
    }
  }

  /** Answers all who wait with what there is, and keeps nobody waiting from now on. */
  releaseWaiters(): void {
    this.#waiters.release()
  }

  /**
   * Refuses new work, ends the waits, lets readers finish, closes the log. Safe to call twice. Readers are waited for
   * until `patience` resolves, for ever without one.
   */
  async close(reason: 'deleted' | 'stopped', patience?: Promise<unknown>): Promise<void> {
    this.#closed ??= reason
    if (reason === 'deleted') this.#waiters.fail(topicNotFound(this.topic))
    else this.#waiters.release()
    const idle = this.#inFlight.idle()
    await (patience === undefined ? idle : Promise.race([idle, patience]))
    await this.#log?.close()
  }

  #appended(next: Offset, lanes: LaneCounts): void {
    const from = this.#known
    this.#known = next
    for (const listener of this.#listeners) listener(from, next, lanes)
    this.#waiters.wake(next)
    this.#onGrown()
  }

  #opened(): PartitionLog {
    if (this.#log !== undefined && this.#closed === undefined) return this.#log
    throw this.#refusal()
  }

  #refusal(): BrokerError {
    if (this.#closed === 'deleted') return topicNotFound(this.topic)
    if (this.#closed === 'stopped')
      return new BrokerError('SHUTTING_DOWN', 'the broker is stopping')
    const why = this.#problem ?? 'it is not open yet'
    return new BrokerError('PARTITION_UNAVAILABLE', `${this.topic}-${this.index}: ${why}`)
  }

  /** A log that closed under a call did so for a reason that the caller should hear instead. */
  #explained(error: unknown): unknown {
    if (!(error instanceof BrokerError)) return error
    if (error.code === 'LOG_CLOSED' && this.#closed !== undefined) return this.#refusal()
    if (error.code === 'LOG_FENCED' || error.code === 'LOG_CORRUPT') this.#problem = error.message
    return error
  }
}

function outOfRange(partition: Partition, from: number, { start, next }: LogOffsets): BrokerError {
  const where = `${partition.topic}-${partition.index}`
  return new BrokerError(
    'OFFSET_OUT_OF_RANGE',
    `${where} has offsets ${start} to ${next}, not ${from}`,
    { fields: { earliest: String(start), latest: String(next) } },
  )
}
