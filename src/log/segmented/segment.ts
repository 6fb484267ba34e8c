/**
 * One segment: records in a `.log`, its two indexes beside it. The last segment of a log is active (it
 * grows), the others are sealed (they never change). All that is known of an unused one are a few numbers.
 */
import { join } from 'node:path'
import { PooledFile } from './filePool.ts'
import type { IndexBlock, IndexedTo } from './indexBuilder.ts'
import { NOTHING_INDEXED, TIME_OF_THAT_RECORD } from './indexBuilder.ts'
import type { IndexEntry } from './indexEntries.ts'
import { IndexFile } from './indexFile.ts'
import { type SegmentFileKind, segmentFileName } from './names.ts'
import type { Services } from './services.ts'

const NO_ENTRIES = Buffer.alloc(0)

export class Segment {
  readonly baseOffset: number
  readonly directory: string
  readonly log: PooledFile
  readonly offsets: IndexFile
  readonly times: IndexFile
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
  #indexWork: Promise<void> = Promise.resolve()

  constructor(services: Services, directory: string, baseOffset: number) {
    this.#services = services
    this.directory = directory
    this.baseOffset = baseOffset
    this.nextOffset = baseOffset
    this.log = new PooledFile(this.#path('log'), 'read')
    this.offsets = this.#indexFile('index')
    this.times = this.#indexFile('timeindex')
  }

  get hasPendingIndex(): boolean {
    return this.offsets.hasPending || this.times.hasPending
  }

  /** Makes it the active one, with nothing indexed. */
  begin(): void {
    this.activate()
    this.offsets.setFileBytes(0)
    this.times.setFileBytes(0)
    this.indexedTo = NOTHING_INDEXED
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
    this.indexedTo = { position: entry.value, timestampMs }
    this.indexFlushedTo = entry.value
    return entry
  }

  /** Says which index files are there at all, so that the others need not be looked for. */
  knowFiles(kinds: ReadonlySet<SegmentFileKind>): void {
    if (!kinds.has('index')) this.offsets.setFileBytes(0)
    if (!kinds.has('timeindex')) this.times.setFileBytes(0)
  }

  /** Makes its files writable, from their next opening on. */
  activate(): void {
    for (const file of [this.log, this.offsets.file, this.times.file]) file.mode = 'create'
  }

  /** From now on it does not change but for index entries that still wait. */
  seal(): void {
    this.log.mode = 'read'
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
      // Times first: recovery goes by the offsets, and what it adds behind them fits behind either.
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

  /** Makes `block` the content of the index files, but for entries in memory; false where it was that already. */
  async replaceIndexes(block: IndexBlock | undefined): Promise<boolean> {
    const offsets = await this.offsets.replace(block?.offsets ?? NO_ENTRIES)
    const times = await this.times.replace(block?.times ?? NO_ENTRIES)
    return offsets || times
  }

  /** Gives its file descriptors back; the next use opens the files again. */
  async release(): Promise<void> {
    const { files } = this.#services
    await Promise.all([this.log, this.offsets.file, this.times.file].map((f) => files.release(f)))
  }

  /** Closes its files; a read under way finishes first. */
  async close(): Promise<void> {
    await this.#indexWork
    const { files } = this.#services
    this.offsets.forget()
    this.times.forget()
    await Promise.all([this.log, this.offsets.file, this.times.file].map((f) => files.close(f)))
  }

  #path(kind: 'log' | 'index' | 'timeindex'): string {
    return join(this.directory, segmentFileName(this.baseOffset, kind))
  }

  #indexFile(kind: 'index' | 'timeindex'): IndexFile {
    return new IndexFile(new PooledFile(this.#path(kind), 'read'), this.#services)
  }
}
