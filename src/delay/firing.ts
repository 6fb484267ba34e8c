/**
 * Delivers what is due of one delay log: reads the records, gives them their origin, appends them to the topic's
 * partition as one batch, and only when that is on disk calls them delivered.
 *
 *   due ─▶ queue ─▶ round: the next so many by due time ─▶ read ─▶ append (acks all) ─▶ delivered, marked
 *                     └── failed: back into the queue, again after a pause
 *
 * One round at a time. Where an append may or may not have survived, the end of the partition is looked at before
 * anything is appended again.
 */
import { BrokerError } from '../kernel/errors.ts'
import { failpoint } from '../kernel/failpoint.ts'
import type { Platform, Timer } from '../kernel/platform.ts'
import { MiB } from '../kernel/units.ts'
import type { Admission } from '../log/index.ts'
import {
  checksumMatches,
  copyDelivered,
  deliveredLength,
  originAt,
  type RecordBatch,
} from '../record/index.ts'
import type { Partition } from '../topics/index.ts'
import type { DelayIndex } from './delayIndex.ts'
import type { MarkWriter } from './markWriter.ts'
import { type FoundRecord, readRecords, recordBytesMean } from './reading.ts'
import { findDelivered } from './replay.ts'
import { STATE } from './states.ts'

/** Records of one round. */
const ROUND_RECORDS_MAX = 4096
/** Bytes of one round; one record may exceed it. */
const ROUND_BYTES_MAX = 2 * MiB
/** So many are tried even where records are large. */
const ROUND_RECORDS_MIN = 16
/** Entries in front of the queue that have been taken; more are let go of also while the loop goes on. */
const TAKEN_KEPT_MAX = 65_536
const PAUSE_MS_MIN = 100
const PAUSE_MS_MAX = 5_000

export interface FiringOptions {
  readonly platform: Platform
  /** Where the messages wait. */
  readonly log: Partition
  /** Where they are delivered to. */
  readonly target: Partition
  readonly index: DelayIndex
  readonly marks: MarkWriter
  /** Called with an entry that is not due after all: the clock was set back. It is pending again then. */
  readonly onEarly: (offset: number) => void
  /** Told of each delivered message how much after its time it was appended. */
  readonly onDelivered: (latenessMs: number) => void
}

interface Round {
  readonly batch: RecordBatch
  readonly offsets: readonly number[]
}

export class Firing {
  readonly #options: FiringOptions
  #queue: number[] = []
  #taken = 0
  #running: Promise<void> | undefined
  #pause: Timer | undefined
  #pauseMs = PAUSE_MS_MIN
  #stopped = false
  /** Set while it is not known whether what was appended last has survived. */
  doubtful = false

  constructor(options: FiringOptions) {
    this.#options = options
  }

  /** An entry whose time has come; it must be in state DUE. */
  push(offset: number): void {
    this.#queue.push(offset)
    this.#start()
  }

  /** Resolves when nothing is under way any more; nothing is begun from now on. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#pause?.cancel()
    await this.#running
  }

  #start(): void {
    if (this.#running !== undefined || this.#pause !== undefined || this.#stopped) return
    this.#running = this.#run()
  }

  async #run(): Promise<void> {
    // What becomes due in the same turn goes out together.
    await Promise.resolve()
    try {
      while (!this.#stopped && this.#taken < this.#queue.length) {
        await this.#round()
        if (this.#taken > TAKEN_KEPT_MAX) this.#trim()
      }
      this.#pauseMs = PAUSE_MS_MIN
      this.#trim()
    } catch (error) {
      this.#failed(error)
    }
    this.#running = undefined
  }

  /** Lets go of the entries in front that were taken. */
  #trim(): void {
    this.#queue = this.#queue.slice(this.#taken)
    this.#taken = 0
  }

  async #round(): Promise<void> {
    const { index, target } = this.#options
    const chosen = this.#take()
    let isAppending = false
    try {
      if (this.doubtful) await this.#settleDoubts()
      const { batch, offsets } = await this.#collect(chosen)
      if (offsets.length > 0) {
        failpoint('delay.fire.before-append')
        isAppending = true
        const result = await target.append(batch, 'all', this.#notEarly(offsets))
        failpoint('delay.fire.after-append')
        this.#delivered(offsets, result.baseOffset, result.timestampMs)
      }
    } catch (error) {
      if (isAppending && !isDefinite(error)) this.doubtful = true
      throw error
    } finally {
      this.#putBack(chosen.filter((offset) => index.state(offset) === STATE.FIRING))
    }
  }

  /** The next entries that are due, in the order of their times. */
  #take(): number[] {
    const { index, log, onEarly, platform } = this.#options
    const nowMs = platform.clock.nowMs()
    const chosen: number[] = []
    const fitting = Math.ceil(ROUND_BYTES_MAX / recordBytesMean(log))
    const max = Math.min(ROUND_RECORDS_MAX, Math.max(ROUND_RECORDS_MIN, fitting))
    while (chosen.length < max && this.#taken < this.#queue.length) {
      const offset = this.#queue[this.#taken] as number
      this.#taken += 1
      // One that was cancelled or put off meanwhile is still in the queue.
      if (index.state(offset) !== STATE.DUE) continue
      if (index.dueMs(offset) > nowMs) {
        onEarly(offset)
        continue
      }
      index.setState(offset, STATE.FIRING)
      chosen.push(offset)
    }
    return chosen.sort((a, b) => index.dueMs(a) - index.dueMs(b) || a - b)
  }

  #putBack(offsets: readonly number[]): void {
    // Where they came from there is room for as many.
    this.#taken -= offsets.length
    for (const [i, offset] of offsets.entries()) {
      this.#options.index.setState(offset, STATE.DUE)
      this.#queue[this.#taken + i] = offset
    }
  }

  /** As many of them, from the first on, as fit in one round. What cannot be read has expired. */
  async #collect(chosen: readonly number[]): Promise<Round> {
    const { log, index } = this.#options
    const offsets: number[] = []
    const records: FoundRecord[] = []
    let length = 0
    const wanted = chosen.filter((offset) => index.state(offset) === STATE.FIRING)
    const found = await readRecords(log, wanted, ROUND_BYTES_MAX)
    for (const offset of wanted) {
      const record = found.get(offset)
      if (record === undefined || !isWhole(record)) {
        this.#expire(offset)
        continue
      }
      const more = deliveredLength(record.bytes, record.at)
      if (records.length > 0 && length + more > ROUND_BYTES_MAX) break
      length += more
      records.push(record)
      offsets.push(offset)
    }
    return { batch: this.#batchOf(records, offsets, length), offsets }
  }

  #batchOf(
    records: readonly FoundRecord[],
    offsets: readonly number[],
    length: number,
  ): RecordBatch {
    const { index, target } = this.#options
    const bytes = Buffer.allocUnsafe(length)
    let toAt = 0
    for (const [i, { bytes: from, at }] of records.entries()) {
      const offset = offsets[i] as number
      const origin = { partition: target.index, offset, dueMs: index.dueMs(offset) }
      toAt += copyDelivered(from, at, bytes, { toAt, origin })
    }
    return { bytes, count: records.length }
  }

  /** Asked as the log reads its clock: no record gets a time before the one it waited for, whoever sets the clock. */
  #notEarly(offsets: readonly number[]): Admission {
    const { index, platform } = this.#options
    const lastMs = offsets.reduce((last, offset) => Math.max(last, index.dueMs(offset)), 0)
    return {
      decide() {
        if (platform.clock.nowMs() >= lastMs) return undefined
        throw new BrokerError('NOT_AVAILABLE', 'the clock was set back')
      },
      appended: () => undefined,
      undone: () => undefined,
    }
  }

  #delivered(offsets: readonly number[], baseOffset: number, timestampMs: number): void {
    const { index, marks, onDelivered } = this.#options
    for (const offset of offsets) {
      index.settle(offset, STATE.DELIVERED)
      onDelivered(timestampMs - index.dueMs(offset))
    }
    marks.delivered(offsets, baseOffset + offsets.length)
  }

  #expire(offset: number): void {
    const { index, marks, target, platform } = this.#options
    if (!index.settle(offset, STATE.EXPIRED)) return
    marks.expired(offset)
    const where = { topic: target.topic, partition: target.index, offset }
    platform.logger.error(where, 'a delayed message cannot be read and is given up')
  }

  /**
   * A partition whose last sync failed is left alone: it takes nothing until it is opened again, and only then can be
   * told what has survived.
   */
  async #settleDoubts(): Promise<void> {
    const { target, index, marks } = this.#options
    if (target.problem !== undefined) {
      throw new BrokerError('PARTITION_UNAVAILABLE', target.problem)
    }
    const { next } = target.offsets()
    const delivered = await findDelivered({ target, index, through: marks.through })
    marks.delivered(delivered, next)
    this.doubtful = false
  }

  #failed(error: unknown): void {
    const { platform, target } = this.#options
    if (this.#stopped || (error instanceof BrokerError && GONE.has(error.code))) return
    const fields = { topic: target.topic, partition: target.index, error }
    if (!(error instanceof BrokerError)) {
      platform.logger.error(fields, 'a delivery of delayed messages failed in an unknown way')
    } else if (this.#pauseMs === PAUSE_MS_MIN) {
      platform.logger.warn(fields, 'delayed messages are not delivered yet')
    }
    this.#pause = platform.clock.setTimer(this.#pauseMs, () => {
      this.#pause = undefined
      this.#start()
    })
    this.#pauseMs = Math.min(PAUSE_MS_MAX, this.#pauseMs * 2)
  }
}

const GONE: ReadonlySet<string> = new Set(['TOPIC_NOT_FOUND', 'SHUTTING_DOWN', 'LOG_CLOSED'])
const UNCERTAIN: ReadonlySet<string> = new Set(['OUTCOME_UNKNOWN', 'LOG_FENCED', 'UNKNOWN'])

/** True where the refusal says that nothing was written. */
const isDefinite = (error: unknown): boolean =>
  error instanceof BrokerError && !UNCERTAIN.has(error.code)

const isWhole = ({ bytes, at }: FoundRecord): boolean =>
  checksumMatches(bytes, at) && originAt(bytes, at) >= 0
