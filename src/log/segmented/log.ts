/** One partition's log on files: the port's methods, each handed to the part that does it. */
import { BrokerError } from '../../kernel/errors.ts'
import type { Offset } from '../../kernel/units.ts'
import type { RecordBatch } from '../../record/index.ts'
import type {
  Acks,
  Admission,
  AppendResult,
  CapturedFile,
  Lanes,
  LogCapabilities,
  LogOffsets,
  LogOptions,
  LogStats,
  OffsetAtTime,
  PartitionLog,
  ReadLimit,
  ReadResult,
  RetentionPolicy,
} from '../port.ts'
import { checkBatch, checkReadable } from '../stamping.ts'
import { AppendLoop } from './appendLoop.ts'
import { writtenSegments } from './capture.ts'
import type { Flushable } from './flusher.ts'
import { SegmentedLanes } from './lanes.ts'
import { LogState } from './logState.ts'
import { type LogLocation, recover } from './recovery.ts'
import { removeOldest, segmentsBefore, segmentsExpired, totalBytes } from './retention.ts'
import { flushDueIndexes, flushIndexes, roll } from './roll.ts'
import type { Segment } from './segment.ts'
import { readSegment, type SegmentRead } from './segmentReader.ts'
import type { Services } from './services.ts'
import { storageError } from './storageError.ts'
import { SyncLoop } from './syncLoop.ts'
import { offsetAtTime } from './timeLookup.ts'

const EMPTY = Buffer.alloc(0)

export const SEGMENTED_CAPABILITIES: LogCapabilities = { durable: true, replicated: false }

export class SegmentedLog implements PartitionLog, Flushable {
  readonly capabilities = SEGMENTED_CAPABILITIES
  readonly lanes: Lanes
  readonly #state: LogState
  readonly #sync: SyncLoop
  readonly #appends: AppendLoop
  #marked = false
  #retaining: Promise<unknown> = Promise.resolve()
  #closing: Promise<void> | undefined
  /** Told once, when the log is closed. */
  onClosed: (() => void) | undefined

  constructor(state: LogState) {
    this.#state = state
    this.lanes = new SegmentedLanes(state)
    this.#sync = new SyncLoop(state)
    this.#appends = new AppendLoop(state, this.#sync, {
      roll: () => roll(state, () => this.#sync.request()),
      becameDirty: () => this.#markDirty(),
    })
    if (state.durable < state.next) this.#markDirty()
  }

  append(batch: RecordBatch, acks: Acks, admission?: Admission): Promise<AppendResult> {
    try {
      this.#state.checkWritable()
      checkBatch(batch)
      return this.#appends.append(batch, acks, admission)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  read(from: Offset, limit: ReadLimit): Promise<ReadResult> {
    const { tail, next, services } = this.#state
    try {
      this.#state.checkOpen()
      checkReadable(from, this.#state)
    } catch (error) {
      return Promise.reject(error)
    }
    if (from === next) return Promise.resolve(this.#result(from, EMPTY, next))
    const found = services.tails.read(tail, from, limit)
    if (found === undefined) return this.#readFiles(from, limit)
    return Promise.resolve(this.#result(from, found.bytes, found.nextOffset))
  }

  async offsetAtTime(timestampMs: number): Promise<OffsetAtTime | undefined> {
    for (;;) {
      this.#state.checkOpen()
      const { start } = this.#state
      try {
        return await offsetAtTime(this.#state, timestampMs)
      } catch (error) {
        this.#state.checkOpen()
        // Retention may have taken the segment that was looked at.
        if (this.#state.start === start) throw storageError(error, `search ${this.#state.path}`)
      }
    }
  }

  truncateBefore(before: Offset): Promise<Offset> {
    return this.#retain(async () => segmentsBefore(this.#state, before))
  }

  retain(policy: RetentionPolicy): Promise<Offset> {
    return this.#retain(() => segmentsExpired(this.#state, policy))
  }

  offsets(): LogOffsets {
    const { start, next, durable } = this.#state
    return { start: start as Offset, next: next as Offset, durable: durable as Offset }
  }

  stats(): LogStats {
    const { segments } = this.#state
    return { sizeBytes: totalBytes(segments), segments: segments.length }
  }

  /** How far each of its files of records is written, the oldest first; `path` is where it lies. */
  written(path: string): CapturedFile[] {
    return writtenSegments(path, this.#state.segments)
  }

  /** Removes what should have been removed before and could not be. Never rejects. */
  async removeDoomed(): Promise<void> {
    if (this.#state.doomed.length > 0) await this.#retain(async () => 0).catch(() => undefined)
  }

  async sync(): Promise<void> {
    this.#state.checkWritable()
    await this.#appends.idle()
    await this.#sync.request()
  }

  configure({ segmentBytes }: Pick<LogOptions, 'segmentBytes'>): void {
    this.#state.segmentBytes = segmentBytes
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** True where nothing is known to be wrong: everything is on disk and no fence is up. For a closed log. */
  get isClean(): boolean {
    return this.#state.fence === undefined && this.#state.durable === this.#state.next
  }

  async flush(): Promise<void> {
    this.#marked = false
    // A failed sync raises the fence, which is logged there.
    await this.#sync.request().catch(() => undefined)
    await flushDueIndexes(this.#state)
  }

  #markDirty(): void {
    if (this.#marked) return
    this.#marked = true
    this.#state.services.flusher.mark(this)
  }

  #result(from: number, bytes: Buffer, nextOffset: number): ReadResult {
    return {
      bytes,
      count: nextOffset - from,
      nextOffset: nextOffset as Offset,
      highWatermark: this.#state.next as Offset,
    }
  }

  async #readFiles(from: number, limit: ReadLimit): Promise<ReadResult> {
    const { segments, services } = this.#state
    const segment = segments[this.#state.segmentIndex(from)] as Segment
    let found: SegmentRead
    try {
      found = await readSegment(services, segment, from, limit)
    } catch (error) {
      if (segment.removed) checkReadable(from, this.#state)
      this.#state.checkOpen()
      throw storageError(error, `read ${segment.log.path}`)
    }
    return this.#result(from, found.bytes, found.nextOffset)
  }

  /** Retention runs one at a time, and never beside the closing. */
  #retain(countExpired: () => Promise<number>): Promise<Offset> {
    const run = this.#retaining.then(async () => {
      this.#state.checkOpen()
      try {
        await removeOldest(this.#state, await countExpired())
      } catch (error) {
        throw storageError(error, `remove segments of ${this.#state.path}`)
      }
      return this.#state.start as Offset
    })
    this.#retaining = run.catch(() => undefined)
    return run
  }

  async #close(): Promise<void> {
    const { services, segments, tail } = this.#state
    this.#state.closed = true
    await this.#appends.idle()
    await this.#retaining
    await this.#sync.request().catch(() => undefined)
    services.flusher.unmark(this)
    await flushIndexes(this.#state)
    for (const segment of segments) await segment.close()
    services.tails.clear(tail)
    this.onClosed?.()
  }
}

/** Opens the log there, recovering what a crash left. Rejects with LOG_CORRUPT naming file and position. */
export async function openLog(
  services: Services,
  location: LogLocation,
  options: LogOptions,
): Promise<SegmentedLog> {
  try {
    const found = await recover(services, location)
    for (const segment of found.segments) await segment.release()
    const state = new LogState({ path: location.path, services, options }, found)
    return new SegmentedLog(state)
  } catch (error) {
    throw error instanceof BrokerError ? error : storageError(error, `open log ${location.path}`)
  }
}
