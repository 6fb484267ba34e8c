/**
 * One segment: records in a `.log`, its indexes beside it. The last segment of a log is active (it
 * grows), the others are sealed (they never change). All that is known of an unused one are a few numbers.
 */
import { join } from 'node:path'
import { KiB } from '../../kernel/units.ts'
import { PooledFile } from './filePool.ts'
import type { IndexBlock, IndexedTo } from './indexBuilder.ts'
import { NOTHING_INDEXED, TIME_OF_THAT_RECORD } from './indexBuilder.ts'
import type { IndexEntry } from './indexEntries.ts'
import { IndexFile } from './indexFile.ts'
import { LaneFile } from './laneFile.ts'
import { type SegmentFileKind, segmentFileName } from './names.ts'
import { SegmentLanes } from './segmentLanes.ts'
import type { Services } from './services.ts'

const NO_ENTRIES = Buffer.alloc(0)
/** So many bytes of log share one block of lanes, so that a segment has some thousand at most. */
const LANE_BLOCK_BYTES_MIN = 64 * KiB

export class Segment {
  readonly baseOffset: number
  readonly directory: string
  readonly log: PooledFile
  readonly offsets: IndexFile
  readonly times: IndexFile
  readonly lanes: SegmentLanes
  /** Bytes of readable records. */
  sizeBytes = 0
  /** The offset behind its last readable record. */
  nextOffset: number
  /** Time of its last record; undefined while nobody looked, or where it is empty. */
  newestTimestampMs: number | undefined
  indexedTo: IndexedTo = NOTHING_INDEXED
  /** Position of the last record whose index entry was handed to {@link flushIndexes}. */
  indexFlushedTo = 0
  /** Retention took it: its files are going. */
  removed = false
  readonly #services: Services
  #isActive = false
  #lanesFlushedTo = 0
  #learning: Promise<void> | undefined
  #indexWork: Promise<void> = Promise.resolve()

  constructor(services: Services, directory: string, baseOffset: number) {
    this.#services = services
    this.directory = directory
    this.baseOffset = baseOffset
    this.nextOffset = baseOffset
    this.log = new PooledFile(this.#path('log'), 'read')
    this.offsets = this.#indexFile('index')
    this.times = this.#indexFile('timeindex')
    const laneFile = new LaneFile(new PooledFile(this.#path('laneindex'), 'read'), services)
    this.lanes = new SegmentLanes(services, laneFile, baseOffset)
  }

  get hasPendingIndex(): boolean {
    if (this.offsets.hasPending || this.times.hasPending || this.lanes.hasPending) return true
    return !this.#isActive && this.lanes.isUnsealed
  }

  /** True where enough index entries wait to be worth a write of their own. */
  get isIndexFlushDue(): boolean {
    if (!this.lanes.hasPending) return this.hasPendingIndex
    return this.sizeBytes - this.#lanesFlushedTo >= LANE_BLOCK_BYTES_MIN
  }

  /** Makes it the active one, with nothing indexed. */
  begin(): void {
    this.activate()
    this.offsets.setFileBytes(0)
    this.times.setFileBytes(0)
    this.indexedTo = NOTHING_INDEXED
    this.lanes.begin(this.baseOffset)
  }

  /**
   * Finds how far the index files reach: the last entry, undefined where there is none of this segment. After
   * a clean stop the time index is taken on trust.
   */
  async recoverEntry(clean: boolean): Promise<IndexEntry | undefined> {
    const entry = await this.offsets.recoverEnd()
    const time = clean ? undefined : await this.times.recoverEnd()
    if (entry === undefined || entry.key <= this.baseOffset) return undefined
    const timestampMs = time?.key ?? (clean ? TIME_OF_THAT_RECORD : -1)
    this.indexedTo = { position: entry.value, timestampMs, mixed: entry.mixed === true }
    this.indexFlushedTo = entry.value
    return entry
  }

  /** Says which index files are there at all, so that the others need not be looked for. */
  knowFiles(kinds: ReadonlySet<SegmentFileKind>): void {
    if (!kinds.has('index')) this.offsets.setFileBytes(0)
    if (!kinds.has('timeindex')) this.times.setFileBytes(0)
    if (!kinds.has('laneindex')) this.lanes.file.isMissing()
  }

  /** Makes its files writable, from their next opening on. */
  activate(): void {
    this.#isActive = true
    for (const file of this.files) file.mode = 'create'
  }

  /** From now on it does not change but for index entries that still wait. */
  seal(): void {
    this.#isActive = false
    this.log.mode = 'read'
  }

  get files(): readonly PooledFile[] {
    return [this.log, this.offsets.file, this.times.file, this.lanes.file.file]
  }

  addIndexBlock(block: IndexBlock, indexedTo: IndexedTo): void {
    this.offsets.addPending(block.offsets, block.endOffset)
    this.times.addPending(block.times, block.endOffset)
    this.indexedTo = indexedTo
  }

  /** Writes the index entries of records below `durable`, which must be on disk. */
  flushIndexes(durable: number): Promise<void> {
    this.indexFlushedTo = this.indexedTo.position
    return this.exclusively(async () => {
      // The others first: recovery goes by the offsets, and what it adds behind them fits behind either.
      this.#lanesFlushedTo = this.sizeBytes
      await this.lanes.flush(durable)
      if (!this.#isActive) await this.lanes.seal()
      await this.times.flush(durable)
      await this.offsets.flush(durable)
    })
  }

  /** Runs `task` when no other task works on the index files. */
  exclusively(task: () => Promise<void>): Promise<void> {
    const run = this.#indexWork.then(task)
    this.#indexWork = run.catch(() => undefined)
    return run
  }

  /**
   * Makes `block`, which is about the records up to `endOffset`, the content of the index files, but for what is in
   * memory; false where it was that already.
   */
  async replaceIndexes(block: IndexBlock | undefined, endOffset: number): Promise<boolean> {
    const turns = block?.turns ?? []
    const offsets = await this.offsets.replace(block?.offsets ?? NO_ENTRIES)
    const times = await this.times.replace(block?.times ?? NO_ENTRIES)
    this.lanes.rebuild(turns, endOffset)
    const lanes = !this.#isActive && (await this.lanes.rewrite(turns))
    return offsets || times || lanes
  }

  /** Runs `learn` where it does not run already; resolves when it is over. */
  learnOnce(learn: () => Promise<void>): Promise<void> {
    this.#learning ??= learn().finally(() => {
      this.#learning = undefined
    })
    return this.#learning
  }

  /** Gives its file descriptors back; the next use opens the files again. */
  async release(): Promise<void> {
    const { files } = this.#services
    await Promise.all(this.files.map((file) => files.release(file)))
  }

  /** Closes its files; a read under way finishes first. */
  async close(): Promise<void> {
    await this.#indexWork
    const { files } = this.#services
    this.offsets.forget()
    this.times.forget()
    this.lanes.forget()
    await Promise.all(this.files.map((file) => files.close(file)))
  }

  #path(kind: SegmentFileKind): string {
    return join(this.directory, segmentFileName(this.baseOffset, kind))
  }

  #indexFile(kind: 'index' | 'timeindex'): IndexFile {
    return new IndexFile(new PooledFile(this.#path(kind), 'read'), this.#services)
  }
}
