/**
 * What a partition log *is*: an ordered, append-only sequence of records with dense offsets.
 *
 * The port knows records, offsets and durability; topics, groups and leases are built *on* it. Engines:
 * `segmented/` (files), `memory/`; a replicated one fits behind the same methods. Nothing above knows files.
 */
import type { Offset, TimestampMs } from '../kernel/units.ts'
import type { RecordBatch } from '../record/index.ts'

/** What a caller waits for. none: nothing; leader: the page cache (survives the process); all: the disk. */
export const ACKS = ['none', 'leader', 'all'] as const
export type Acks = (typeof ACKS)[number]

/** What a caller got. `memory` survives a crash of the process, `disk` one of the machine. */
export type Durability = 'none' | 'memory' | 'disk'

export interface AppendResult {
  readonly baseOffset: Offset
  readonly count: number
  /** The broker's time of the append: one for the whole batch, never less than that of the record before. */
  readonly timestampMs: TimestampMs
  readonly durability: Durability
}

/**
 * A say in whether a batch is appended, asked in the very step that gives out offsets: the answer cannot be
 * overtaken by another append. All three are synchronous and must not throw but for `decide`.
 */
export interface Admission {
  /**
   * Undefined appends the batch. The result of an earlier append answers with that one and stores nothing. A
   * thrown BrokerError refuses the batch.
   */
  decide(): AppendedEarlier | undefined
  /** The batch has its place. */
  appended(baseOffset: Offset, timestampMs: TimestampMs): void
  /** The write failed and the place is free again; the newest append is undone first. */
  undone(): void
}

export interface AppendedEarlier {
  readonly baseOffset: Offset
  readonly timestampMs: TimestampMs
}

export interface ReadLimit {
  /** Bytes that a reply should not exceed; one record is returned even where it is larger. */
  readonly maxBytes: number
  readonly maxRecords: number
  /**
   * Memory that an engine may read into, where it is large enough for what must be read: for a caller who copies what he
   * wants of it, and reads often. Nobody else may use it until the read has settled.
   */
  readonly into?: Buffer | undefined
}

export interface ReadResult {
  /**
   * Whole records back to back, exactly as stored, the first at the offset that was asked for. Read-only; a view of
   * `into` where that was given and used.
   */
  readonly bytes: Buffer
  readonly count: number
  /** Where to go on: the offset behind the last record returned. */
  readonly nextOffset: Offset
  /** The next offset to be written, at the time of the read. */
  readonly highWatermark: Offset
}

export interface LogOffsets {
  /** The earliest offset that can be read. */
  readonly start: Offset
  /** The next offset to be written; everything below is readable. */
  readonly next: Offset
  /** Everything below is on disk. */
  readonly durable: Offset
}

export interface RetentionPolicy {
  /** Sealed segments whose newest record is older go; undefined keeps them for ever. */
  readonly maxAgeMs?: number | undefined
  /** Oldest sealed segments go while the log is larger; undefined sets no bound. */
  readonly maxBytes?: number | undefined
}

export interface LogStats {
  readonly sizeBytes: number
  readonly segments: number
}

export interface OffsetAtTime {
  readonly offset: Offset
  readonly timestampMs: TimestampMs
}

export interface LogCapabilities {
  /** False for an engine that forgets everything with the process. */
  readonly durable: boolean
  readonly replicated: boolean
}

/**
 * Which offsets hold records of which priority: five lanes, 0 critical to 4 background. Every offset from the log's
 * start to its `next` is in exactly one lane, from the turn on in which it becomes readable. Offsets below the
 * start count as the start. Where all records are normal nothing is stored.
 */
export interface Lanes {
  /**
   * True where every record from `from` on is known to be normal (lane 2). May be false while nobody has looked at
   * old segments yet, see {@link load}. O(1).
   */
  isPlain(from: number): boolean
  /**
   * The next runs of that lane from `from` on, `from` and `to` (exclusive) by turns, ascending, together at most
   * `maxRecords` records; neighbours are joined. Empty: nothing more of that lane. Undefined: must be loaded first.
   * May be fewer than there are, but only where it is not empty.
   */
  next(lane: number, from: number, maxRecords: number): readonly number[] | undefined
  /**
   * Resolves when `next(lane, from, …)` and `count(lane, from)` answer, which they do as long as the memory for
   * indexes is not needed otherwise: ask in the turn of the resolution. Rejects with LOG_CORRUPT naming file and
   * position, LOG_CLOSED, STORAGE_ERROR.
   */
  load(lane: number, from: number): Promise<void>
  /** Records of that lane from `from` on. Undefined: must be loaded first. */
  count(lane: number, from: number): number | undefined
}

/** How many of newly appended records are in each lane, by lane; undefined where all are normal. */
export type LaneCounts = readonly number[] | undefined

export interface PartitionLog {
  readonly capabilities: LogCapabilities
  readonly lanes: Lanes

  /**
   * Appends one batch and gives it the next offsets. Its bytes are the log's until the append resolves, and the
   * caller's again after; with `none`, or where it rejects, they are nobody's any more.
   *
   * Resolves when the batch is as durable as `acks` asks, for `none` as soon as it is queued well-formed (its
   * result then has no meaning but the count). Calls take effect in the order they were made, even when they
   * overlap. Rejects with DISK_FULL, TOO_MANY_FILES or STORAGE_ERROR: nothing of the batch is visible and the log
   * goes on; with LOG_FENCED after a failed sync: what is on disk is unknown until the log is reopened; with
   * OUTCOME_UNKNOWN where the batch may or may not survive; with LOG_CLOSED; with BROKER_OVERLOADED where too much
   * waits already. An admission may answer with an earlier append, which is then as durable as `acks` asks.
   */
  append(batch: RecordBatch, acks: Acks, admission?: Admission): Promise<AppendResult>

  /**
   * Records from `from` on, in order; empty at the end of the log. Rejects with OFFSET_OUT_OF_RANGE below `start`
   * or above `next`, with LOG_CORRUPT naming file and position where the bytes are not records.
   */
  read(from: Offset, limit: ReadLimit): Promise<ReadResult>

  /** The first record at or after a time; undefined where there is none. */
  offsetAtTime(timestampMs: number): Promise<OffsetAtTime | undefined>

  /** Removes whole sealed segments that end at or below `before`. Resolves with the new start. */
  truncateBefore(before: Offset): Promise<Offset>

  /** Removes what the policy no longer keeps, whole sealed segments only. Resolves with the new start. */
  retain(policy: RetentionPolicy): Promise<Offset>

  offsets(): LogOffsets
  stats(): LogStats

  /** Resolves when everything appended so far is on disk. */
  sync(): Promise<void>

  /** Changes what it was opened with; a new segment size holds from the next roll at the latest. */
  configure?(change: Pick<LogOptions, 'segmentBytes'>): void

  /** Finishes what is queued, syncs, releases files. Appends and reads afterwards reject with LOG_CLOSED. */
  close(): Promise<void>
}

export interface LogOptions {
  /** Size in bytes at which a segment is sealed and the next begun. */
  readonly segmentBytes: number
  /**
   * Called in the same turn in which records become readable, with the next offset to be written and the lanes of
   * the new records. Must not throw.
   */
  readonly onAppended?: (next: Offset, lanes: LaneCounts) => void
  /**
   * True where whoever appends gathers by himself and has one append under way at a time: the log begins with it at once
   * and not at the end of the turn. Default false.
   */
  readonly isGathered?: boolean
}

/** Small named values that are replaced as a whole: after a crash the old one is there, or the new one. */
export interface BlobStore {
  /** The value, or undefined where there is none. */
  get(name: string): Promise<Buffer | undefined>
  /** Resolves when the new value is on disk and would be found after a power loss. */
  put(name: string, value: Buffer): Promise<void>
  delete(name: string): Promise<void>
}

export interface CapturedFile {
  /** Its path below the engine's directory: `topics/orders~1/0/00000000000000000000.log`. */
  readonly name: string
  readonly sizeBytes: number
  /** True for the records of a log that could not be opened: what they are worth is not known. */
  readonly isUnopened?: boolean
}

/**
 * What everything held at one moment, as a crash would have left it then: all that had been acknowledged is in it.
 * Nothing of it goes until it is released; the engine goes on meanwhile, and keeps more on disk than it has to.
 */
export interface Capture {
  readonly files: readonly CapturedFile[]
  /** The content of one of them, in order; to be run through once. Rejects with STORAGE_ERROR. */
  read(file: CapturedFile): AsyncIterable<Buffer>
  /** To be called in any case. Resolves when what was due to be removed meanwhile is gone. */
  release(): Promise<void>
}

/**
 * A home for many logs, each under a path of plain names: `topics/orders~1/0`.
 * Names hold no `.`-only parts and nothing but what a file name may hold.
 */
export interface LogEngine {
  readonly capabilities: LogCapabilities
  readonly blobs: BlobStore
  /** Opens the log at `path` and creates it where there is none. Rejects with LOG_CORRUPT naming file and position. */
  open(path: string, options: LogOptions): Promise<PartitionLog>
  /** The names directly below `path`; empty where there are none. */
  list(path: string): Promise<readonly string[]>
  /** Removes every log below `path`, all closed before; finishing a removal that a crash cut short is the same call. */
  remove(path: string): Promise<void>
  /** Absent where there is nothing that a copy could be made of. Rejects with STORAGE_ERROR. */
  capture?(): Promise<Capture>
  /** Closes what is still open, notes the clean stop, releases the directory. */
  close(): Promise<void>
}
