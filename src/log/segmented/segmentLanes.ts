/**
 * The lanes of one segment: which of its records are in which.
 *
 *   unknown   nobody has looked yet          a sealed segment after a start, until somebody asks
 *   plain     all records are normal         nothing is stored
 *   mixed     runs in a `.laneindex`         | blocks in the file | runs in memory          |
 *                                            base … written … memoryFrom … #written … endOffset
 *
 * Runs are kept in memory from their append on. Up to `#written` they are in the file too, so that part may be
 * forgotten when the engine's index cache wants the memory, and so may what was read of the file. A sealed segment
 * has a directory of its blocks at the file's end; that of the active one is in memory.
 */
import { LANES, NORMAL_PRIORITY } from '../../kernel/priority.ts'
import { LaneRuns, type RunCollector } from '../laneRuns.ts'
import type { LaneCounts } from '../port.ts'
import type { Forgettable } from './indexCache.ts'
import type { IndexEntry } from './indexEntries.ts'
import { encodeBlock } from './laneBlocks.ts'
import { LaneDirectory } from './laneDirectory.ts'
import { encodeFile, holds, type LaneFile } from './laneFile.ts'
import type { Services } from './services.ts'
import { StoredRuns } from './storedRuns.ts'

/** What a run in memory costs, about. */
const RUN_MEMORY_BYTES = 24
/** Of segments that are not mixed. */
const NO_RUNS = new LaneRuns()

export class SegmentLanes implements Forgettable {
  readonly baseOffset: number
  readonly file: LaneFile
  readonly #services: Services
  #knowledge: 'unknown' | 'plain' | 'mixed' = 'unknown'
  #endOffset: number
  /** By lane: how many records, and from where on there are none. */
  readonly #records = new Array<number>(LANES).fill(0)
  readonly #ends = new Array<number>(LANES).fill(0)
  #memory = NO_RUNS
  /** All runs from here on are in memory; where a block ends, or the base. */
  #memoryFrom: number
  /** All runs up to here are in the file. */
  #written: number
  /** Undefined where it is not mixed. */
  #stored: StoredRuns | undefined
  #accountedBytes = 0

  constructor(services: Services, file: LaneFile, baseOffset: number) {
    this.#services = services
    this.file = file
    this.baseOffset = baseOffset
    this.#endOffset = baseOffset
    this.#memoryFrom = baseOffset
    this.#written = baseOffset
  }

  get isKnown(): boolean {
    return this.#knowledge !== 'unknown'
  }

  /** From here on all its records are normal, as far as is known. */
  get plainFrom(): number {
    if (this.#knowledge === 'plain') return this.baseOffset
    if (this.#knowledge === 'unknown') return Number.POSITIVE_INFINITY
    let from = this.baseOffset
    for (let lane = 0; lane < LANES; lane += 1) {
      if (lane !== NORMAL_PRIORITY) from = Math.max(from, this.#ends[lane] as number)
    }
    return from
  }

  /** Behind the last record that it knows of. */
  get endOffset(): number {
    return this.#endOffset
  }

  /** Records of the lane. */
  total(lane: number): number {
    if (this.#knowledge === 'mixed') return this.#records[lane] as number
    return lane === NORMAL_PRIORITY ? this.#endOffset - this.baseOffset : 0
  }

  /** Some runs are not in the file yet. */
  get hasPending(): boolean {
    return this.#knowledge === 'mixed' && this.#written < this.#endOffset
  }

  /** Its file has no directory yet. */
  get isUnsealed(): boolean {
    return this.#knowledge === 'mixed' && !this.file.isSealed
  }

  /** Starts as a plain segment that ends at `endOffset`; what is in the file does not count. */
  begin(endOffset: number): void {
    this.#reset()
    this.#knowledge = 'plain'
    this.#endOffset = endOffset
    this.file.begin()
  }

  #reset(): void {
    this.#accountFor(0)
    this.#endOffset = this.baseOffset
    this.#records.fill(0)
    this.#ends.fill(0)
    this.#memory = NO_RUNS
    this.#memoryFrom = this.baseOffset
    this.#written = this.baseOffset
    this.#stored = undefined
  }

  /** Takes over what was read of the file: its blocks, without gaps from the base on. */
  adopt(directory: LaneDirectory): void {
    this.#reset()
    this.#knowledge = 'mixed'
    this.#memory = new LaneRuns()
    this.#stored = new StoredRuns(this.file, this.baseOffset, directory)
    for (let block = 0; block < directory.length; block += 1) {
      this.#endOffset = directory.end(block)
      for (let lane = 0; lane < LANES; lane += 1) {
        const records = directory.records(block, lane)
        if (records === 0) continue
        this.#records[lane] = (this.#records[lane] as number) + records
        this.#ends[lane] = this.#endOffset
      }
    }
    this.#written = this.#endOffset
    this.#memoryFrom = this.#endOffset
    this.#account()
  }

  /**
   * Finds where the lanes of the active segment go on: behind the blocks of the file, where these reach to the last
   * entry of the offset index, or at that entry where all in front of it is normal. False where neither is so.
   */
  async recover({ key, mixed }: IndexEntry): Promise<boolean> {
    const directory = await this.file.recoverBlocks(this.baseOffset)
    if (directory.length > 0 && directory.end(directory.length - 1) >= key) {
      this.adopt(directory)
      return true
    }
    if (mixed !== false) return false
    this.begin(key)
    return true
  }

  /** Takes over what a scan of the records up to `endOffset` found; what came behind them meanwhile stays. */
  rebuild(turns: readonly number[], endOffset: number): void {
    const before = this.#endOffset
    const all = before > endOffset ? [...turns, ...this.#turnsFrom(endOffset)] : turns
    const isPlain = all.every((lane, i) => i % 2 === 0 || lane === NORMAL_PRIORITY)
    this.begin(this.baseOffset)
    this.extend(isPlain ? undefined : all, Math.max(before, endOffset))
  }

  /** The turns in memory from `from` on, the first of them there. */
  #turnsFrom(from: number): number[] {
    if (this.#knowledge === 'plain') return [from, NORMAL_PRIORITY]
    const found: [number, number][] = []
    for (let lane = 0; lane < LANES; lane += 1) {
      const runs = this.#memory.slice(lane, from, this.#endOffset)
      for (let i = 0; i < runs.length; i += 2) found.push([runs[i] as number, lane])
    }
    return found.sort(([a], [b]) => a - b).flat()
  }

  /**
   * Makes the file of a sealed segment, all of whose runs are in memory, hold them; false where it did that already.
   * `turns`: where the lane changes. One call at a time, not beside {@link flush} and {@link seal}.
   */
  async rewrite(turns: readonly number[]): Promise<boolean> {
    if (this.#knowledge !== 'mixed') return false
    const stretch = { from: this.baseOffset, to: this.#endOffset }
    const before = await this.file.readAll()
    const { directory, bytes } = encodeFile(this.#memory, turns, stretch)
    const isRight = holds(before, this.#memory, stretch)
    if (!isRight) await this.file.replace(bytes)
    // The same runs may lie there in other blocks.
    const stored = isRight ? await this.file.readDirectory(stretch) : directory
    this.#stored = new StoredRuns(this.file, this.baseOffset, stored)
    this.#written = this.#endOffset
    this.#account()
    return !isRight
  }

  /**
   * Takes in the records up to `endOffset`, the first of them normal up to the first turn (offset and lane by turns);
   * turns that lie in front of what it knows are skipped. Returns how many new ones are in each lane.
   */
  extend(turns: readonly number[] | undefined, endOffset: number): LaneCounts {
    if (turns === undefined && this.#knowledge === 'plain') {
      this.#endOffset = endOffset
      return undefined
    }
    if (this.#knowledge === 'plain') this.#becomeMixed()
    const counts = new Array<number>(LANES).fill(0)
    let lane: number = NORMAL_PRIORITY
    for (let i = 0; turns !== undefined && i < turns.length; i += 2) {
      this.#add(lane, turns[i] as number, counts)
      lane = turns[i + 1] as number
    }
    this.#add(lane, endOffset, counts)
    return turns && counts
  }

  #becomeMixed(): void {
    const endOffset = this.#endOffset
    this.#knowledge = 'mixed'
    this.#memory = new LaneRuns()
    this.#stored = new StoredRuns(this.file, this.baseOffset, new LaneDirectory())
    this.#endOffset = this.baseOffset
    this.#add(NORMAL_PRIORITY, endOffset, [])
  }

  /** Everything from what is known up to `to` is in that lane. */
  #add(lane: number, to: number, counts: number[]): void {
    const from = this.#endOffset
    if (to <= from) return
    this.#memory.add(lane, from, to)
    this.#records[lane] = (this.#records[lane] as number) + to - from
    this.#ends[lane] = to
    counts[lane] = (counts[lane] ?? 0) + to - from
    this.#endOffset = to
  }

  /** Adds the lane's runs from `from` on. False where it had to stop because something must be loaded. */
  collect(lane: number, from: number, into: RunCollector): boolean {
    if (this.#knowledge === 'unknown') return false
    if (this.#knowledge === 'plain') {
      if (lane === NORMAL_PRIORITY && from < this.#endOffset) into.add(from, this.#endOffset)
      return true
    }
    if (from >= (this.#ends[lane] as number)) return true
    const { room } = into
    if (from < this.#memoryFrom) {
      this.#touch()
      if (!this.#stored?.collect(lane, from, this.#memoryFrom, into)) return false
    }
    if (!into.isFull) this.#memory.collect(lane, from, into)
    // Nothing there: that is known from now on, whatever is forgotten.
    if (into.room === room && room > 0) this.#ends[lane] = from
    return true
  }

  /** Records of the lane from `from` on; undefined where something must be loaded. */
  count(lane: number, from: number): number | undefined {
    if (this.#knowledge === 'unknown') return undefined
    if (from <= this.baseOffset) return this.total(lane)
    if (this.#knowledge === 'plain') {
      return lane === NORMAL_PRIORITY ? Math.max(0, this.#endOffset - from) : 0
    }
    if (from >= (this.#ends[lane] as number)) return 0
    if (from >= this.#memoryFrom) return this.#memory.count(lane, from)
    this.#touch()
    const below = this.#stored?.countBelow(lane, from)
    return below === undefined ? undefined : this.total(lane) - below
  }

  /** Writes the runs of records below `durable` that are not in the file. One call at a time. */
  async flush(durable: number): Promise<void> {
    const to = Math.min(durable, this.#endOffset)
    if (this.#knowledge !== 'mixed' || to <= this.#written) return
    const from = this.#written
    const block = encodeBlock(this.#memory, { from, to }, this.baseOffset)
    const position = await this.file.append(block)
    this.#stored?.push(block, position)
    this.#written = to
    this.#account()
  }

  /** Writes the directory behind the last block of a sealed segment. One call at a time, not beside {@link flush}. */
  async seal(): Promise<void> {
    if (this.#knowledge !== 'mixed' || this.file.isSealed) return
    const directory = this.#stored?.directory
    if (this.#written < this.#endOffset || directory === undefined) return
    await this.file.seal(directory.bytes, { from: this.baseOffset, to: this.#endOffset })
    this.#account()
  }

  /** Reads what {@link collect} needs; false where the file does not hold it. */
  async load(lane: number, from: number): Promise<boolean> {
    if (this.#stored === undefined || from >= this.#memoryFrom) return true
    const isThere = await this.#stored.load(lane, from, this.#endOffset)
    this.#account()
    return isThere
  }

  /** Reads what {@link count} needs; false where the file does not hold it. */
  async loadCount(lane: number, from: number): Promise<boolean> {
    if (this.#stored === undefined || this.count(lane, from) !== undefined) return true
    const isThere = await this.#stored.loadCount(lane, from, this.#endOffset)
    this.#account()
    return isThere
  }

  /** Drops what the file holds as well. */
  forget(): void {
    this.#accountFor(0)
    if (this.#stored === undefined) return
    this.#memory.dropBelow(this.#written)
    this.#memoryFrom = this.#written
    this.#stored.forget()
  }

  #touch(): void {
    if (this.#accountedBytes > 0) this.#services.indexes.touch(this)
  }

  #account(): void {
    const runs = this.#memoryFrom < this.#written ? this.#memory.size : 0
    this.#accountFor((this.#stored?.bytes ?? 0) + runs * RUN_MEMORY_BYTES)
  }

  #accountFor(bytes: number): void {
    const { indexes } = this.#services
    if (this.#accountedBytes > 0) indexes.remove(this, this.#accountedBytes)
    this.#accountedBytes = bytes
    if (bytes > 0) indexes.add(this, bytes)
  }
}
