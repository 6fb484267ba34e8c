/**
 * A partition log of plain arrays: segments of batches. As simple as can be, since it is also what the
 * segmented engine is compared with.
 */
import { BrokerError } from '../../kernel/errors.ts'
import type { Platform } from '../../kernel/platform.ts'
import type { Offset, TimestampMs } from '../../kernel/units.ts'
import {
  type RecordBatch,
  recordLength,
  recordOffset,
  recordTimestampMs,
} from '../../record/index.ts'
import type {
  Acks,
  Admission,
  AppendResult,
  LogOffsets,
  LogOptions,
  LogStats,
  OffsetAtTime,
  PartitionLog,
  ReadLimit,
  ReadResult,
  RetentionPolicy,
} from '../port.ts'
import { checkBatch, checkReadable, cutAt, notBefore, stampBatch } from '../stamping.ts'
import { MemoryLanes } from './lanes.ts'

interface MemoryBatch {
  readonly baseOffset: number
  readonly count: number
  readonly timestampMs: number
  readonly bytes: Buffer
}

interface MemorySegment {
  readonly baseOffset: number
  readonly batches: MemoryBatch[]
  sizeBytes: number
}

export class MemoryLog implements PartitionLog {
  readonly capabilities = { durable: false, replicated: false }
  readonly #platform: Platform
  #segmentBytes: number
  readonly #onAppended: LogOptions['onAppended']
  readonly #segments: MemorySegment[]
  readonly lanes: MemoryLanes
  #next: number
  #lastTimestampMs: number
  #closed = false

  /** `before`: a closed log whose records this one takes over. */
  constructor(platform: Platform, options: LogOptions, before?: MemoryLog) {
    this.#platform = platform
    this.#segmentBytes = options.segmentBytes
    this.#onAppended = options.onAppended
    this.#segments = before ? before.#segments : [{ baseOffset: 0, batches: [], sizeBytes: 0 }]
    this.lanes = before ? before.lanes : new MemoryLanes()
    this.#next = before ? before.#next : 0
    this.#lastTimestampMs = before ? before.#lastTimestampMs : 0
  }

  get closed(): boolean {
    return this.#closed
  }

  async append(given: RecordBatch, _acks: Acks, admission?: Admission): Promise<AppendResult> {
    this.#checkOpen()
    checkBatch(given)
    const earlier = admission?.decide()
    if (earlier) return { ...earlier, count: given.count, durability: 'none' }
    const batch = { ...given, bytes: Buffer.from(given.bytes) }
    const timestampMs = notBefore(this.#platform.clock.nowMs(), this.#lastTimestampMs)
    const baseOffset = this.#next
    stampBatch(batch, { baseOffset, timestampMs })
    const segment = this.#segmentFor(batch.bytes.length)
    segment.batches.push({ baseOffset, timestampMs, bytes: batch.bytes, count: batch.count })
    segment.sizeBytes += batch.bytes.length
    this.#next += batch.count
    this.#lastTimestampMs = timestampMs
    const lanes = this.lanes.add(batch, baseOffset)
    admission?.appended(baseOffset as Offset, timestampMs)
    this.#onAppended?.(this.#next as Offset, lanes)
    return {
      baseOffset: baseOffset as Offset,
      count: batch.count,
      timestampMs,
      durability: 'none',
    }
  }

  async read(from: Offset, limit: ReadLimit): Promise<ReadResult> {
    this.#checkOpen()
    checkReadable(from, this.offsets())
    const highWatermark = this.#next as Offset
    const parts: Buffer[] = []
    let at: number = from
    let room: ReadLimit = limit
    for (const batch of this.#batchesFrom(from)) {
      const start = positionOf(batch.bytes, at)
      const end = cutAt(batch.bytes, start, room)
      if (parts.length > 0 && end - start > room.maxBytes) break
      parts.push(batch.bytes.subarray(start, end))
      const count = countRecords(batch.bytes, start, end)
      at += count
      room = { maxBytes: room.maxBytes - (end - start), maxRecords: room.maxRecords - count }
      if (end < batch.bytes.length || room.maxBytes <= 0 || room.maxRecords <= 0) break
    }
    const bytes = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
    return { bytes, count: at - from, nextOffset: at as Offset, highWatermark }
  }

  async offsetAtTime(timestampMs: number): Promise<OffsetAtTime | undefined> {
    this.#checkOpen()
    for (const segment of this.#segments) {
      for (const batch of segment.batches) {
        if (batch.timestampMs < timestampMs) continue
        return {
          offset: recordOffset(batch.bytes, 0) as Offset,
          timestampMs: recordTimestampMs(batch.bytes, 0) as TimestampMs,
        }
      }
    }
    return undefined
  }

  async truncateBefore(before: Offset): Promise<Offset> {
    this.#checkOpen()
    while (this.#segments.length > 1 && (this.#segments[1]?.baseOffset ?? 0) <= before) {
      this.#segments.shift()
    }
    return this.#started()
  }

  async retain(policy: RetentionPolicy): Promise<Offset> {
    this.#checkOpen()
    const { maxAgeMs = Number.POSITIVE_INFINITY, maxBytes = Number.POSITIVE_INFINITY } = policy
    const oldestMs = this.#platform.clock.nowMs() - maxAgeMs
    while (this.#segments.length > 1) {
      const newestMs = this.#segments[0]?.batches.at(-1)?.timestampMs ?? 0
      if (newestMs >= oldestMs && this.stats().sizeBytes <= maxBytes) break
      this.#segments.shift()
    }
    return this.#started()
  }

  offsets(): LogOffsets {
    const next = this.#next as Offset
    return { start: (this.#segments[0]?.baseOffset ?? 0) as Offset, next, durable: next }
  }

  stats(): LogStats {
    const sizeBytes = this.#segments.reduce((sum, segment) => sum + segment.sizeBytes, 0)
    return { sizeBytes, segments: this.#segments.length }
  }

  async sync(): Promise<void> {
    this.#checkOpen()
  }

  configure({ segmentBytes }: Pick<LogOptions, 'segmentBytes'>): void {
    this.#segmentBytes = segmentBytes
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  #started(): Offset {
    const { start } = this.offsets()
    this.lanes.dropBelow(start)
    return start
  }

  #checkOpen(): void {
    if (this.#closed) throw new BrokerError('LOG_CLOSED', 'the log is closed')
  }

  /** The last segment, or a new one where `more` bytes do not fit in it. */
  #segmentFor(more: number): MemorySegment {
    const last = this.#segments.at(-1)
    if (last && (last.sizeBytes === 0 || last.sizeBytes + more <= this.#segmentBytes)) {
      return last
    }
    const begun = { baseOffset: this.#next, batches: [], sizeBytes: 0 }
    this.#segments.push(begun)
    return begun
  }

  /** The batch that holds `from`, and those behind it. */
  *#batchesFrom(from: number): Generator<MemoryBatch> {
    const first = this.#segments.findLastIndex((segment) => segment.baseOffset <= from)
    for (const segment of this.#segments.slice(Math.max(0, first))) {
      const { batches } = segment
      const begin = batches.findLastIndex((batch) => batch.baseOffset <= from)
      for (let i = Math.max(0, begin); i < batches.length; i += 1) {
        const batch = batches[i] as MemoryBatch
        if (batch.baseOffset + batch.count > from) yield batch
      }
    }
  }
}

/** Position of the record with `offset`, or 0 where the batch begins behind it. */
function positionOf(bytes: Buffer, offset: number): number {
  let at = 0
  while (recordOffset(bytes, at) < offset) at += recordLength(bytes, at)
  return at
}

function countRecords(bytes: Buffer, start: number, end: number): number {
  let count = 0
  for (let at = start; at < end; at += recordLength(bytes, at)) count += 1
  return count
}
