/**
 * The runs of a segment that are in its `.laneindex`: the directory of its blocks, and blocks that were read. Answers
 * from what is in memory and says where something must be read first.
 */
import { LANES } from '../../kernel/priority.ts'
import type { RunCollector } from '../laneRuns.ts'
import type { LaneDirectory, LoadedChunk } from './laneDirectory.ts'
import type { LaneFile } from './laneFile.ts'

/** Records of one lane in front of an offset. */
interface KnownCount {
  readonly from: number
  readonly records: number
}

export class StoredRuns {
  readonly #file: LaneFile
  readonly #baseOffset: number
  #directory: LaneDirectory | undefined
  readonly #chunks = new Map<number, LoadedChunk>()
  /** The last answers of {@link countBelow}, by lane: they outlive what they were made from. */
  readonly #counts = new Array<KnownCount | undefined>(LANES)

  constructor(file: LaneFile, baseOffset: number, directory: LaneDirectory | undefined) {
    this.#file = file
    this.#baseOffset = baseOffset
    this.#directory = directory
  }

  get directory(): LaneDirectory | undefined {
    return this.#directory
  }

  /** Memory that {@link forget} gives back. */
  get bytes(): number {
    let bytes = this.#file.isSealed ? (this.#directory?.bytes.length ?? 0) : 0
    for (const chunk of this.#chunks.values()) bytes += chunk.bytes.length
    return bytes
  }

  /** A block was written. */
  push(block: Buffer, position: number): void {
    this.#directory?.push(block, position)
  }

  /** Adds the lane's runs from `from` on of blocks that begin below `end`. False where something must be read. */
  collect(lane: number, from: number, end: number, into: RunCollector): boolean {
    const directory = this.#directory
    if (directory === undefined) return false
    let block = directory.withLane(lane, directory.find(from))
    while (block < directory.length && directory.first(block) < end && !into.isFull) {
      const chunk = this.#chunkOf(directory, block)
      if (chunk === undefined) return false
      directory.runsIn(block, lane, chunk).collect(from, this.#baseOffset, into)
      block = directory.withLane(lane, block + 1)
    }
    return true
  }

  /** Records of the lane in front of `from`, which is in a block; undefined where something must be read. */
  countBelow(lane: number, from: number): number | undefined {
    const known = this.#counts[lane]
    if (known?.from === from) return known.records
    const directory = this.#directory
    if (directory === undefined) return undefined
    const block = directory.find(from)
    let records = 0
    for (let before = 0; before < block; before += 1) records += directory.records(before, lane)
    if (directory.runs(block, lane) > 0) {
      const chunk = this.#chunkOf(directory, block)
      if (chunk === undefined) return undefined
      const behind = directory.runsIn(block, lane, chunk).count(from, this.#baseOffset)
      records += directory.records(block, lane) - behind
    }
    this.#counts[lane] = { from, records }
    return records
  }

  /** Reads what {@link collect} needs for its first runs; false where the file does not hold it. */
  async load(lane: number, from: number, endOffset: number): Promise<boolean> {
    const directory = await this.#loadDirectory(endOffset)
    if (directory === undefined) return false
    let block = directory.withLane(lane, directory.find(from))
    if (!(await this.#loadChunk(directory, block))) return false
    // In the block that `from` is in, the lane's records may all lie in front of it.
    if (block === directory.length || directory.first(block) >= from) return true
    block = directory.withLane(lane, block + 1)
    return await this.#loadChunk(directory, block)
  }

  /** Reads what {@link countBelow} needs and counts; false where the file does not hold it. */
  async loadCount(lane: number, from: number, endOffset: number): Promise<boolean> {
    const directory = await this.#loadDirectory(endOffset)
    if (directory === undefined) return false
    if (!(await this.#loadChunk(directory, directory.find(from)))) return false
    this.countBelow(lane, from)
    return true
  }

  /** Drops what the file holds as well. */
  forget(): void {
    this.#chunks.clear()
    if (this.#file.isSealed) this.#directory = undefined
  }

  async #loadDirectory(endOffset: number): Promise<LaneDirectory | undefined> {
    if (this.#directory !== undefined) return this.#directory
    const read = await this.#file.readDirectory({ from: this.#baseOffset, to: endOffset })
    this.#directory ??= read
    return this.#directory
  }

  async #loadChunk(directory: LaneDirectory, block: number): Promise<boolean> {
    if (block >= directory.length || this.#chunkOf(directory, block) !== undefined) return true
    const chunk = directory.chunkOf(block)
    const bytes = await this.#file.read(chunk.position, chunk.bytes)
    if (!directory.matches(chunk, bytes)) return false
    if (directory === this.#directory) this.#chunks.set(chunk.id, { ...chunk, bytes })
    return true
  }

  /** Of the active segment, blocks may have come to a chunk since it was read. */
  #chunkOf(directory: LaneDirectory, block: number): LoadedChunk | undefined {
    const chunk = this.#chunks.get(directory.chunkIdOf(block))
    return chunk !== undefined && block < chunk.end ? chunk : undefined
  }
}
