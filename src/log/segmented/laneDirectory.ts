/** Where in a `.laneindex` the blocks are and what is in them, without their runs: 64 bytes each, in memory. */
import { KiB } from '../../kernel/units.ts'
import type { RunCollector } from '../laneRuns.ts'
import {
  BLOCK_HEADER_BYTES,
  blockBytes,
  blockEnd,
  blockFirst,
  blockRecords,
  blockRuns,
  isBlock,
  RUN_BYTES,
  runsBefore,
} from './laneBlocks.ts'

/** Blocks are read together with their neighbours in the same so many bytes of the file. */
const CHUNK_BYTES = 16 * KiB
const FIRST_CAPACITY = 4

/** Blocks `first` to `end` (exclusive), which lie at `position` and are `bytes` long. */
export interface LaneChunk {
  readonly id: number
  readonly first: number
  readonly end: number
  readonly position: number
  readonly bytes: number
}

/** Blocks up to `end` (exclusive), read from `position` on. */
export interface LoadedChunk {
  readonly end: number
  readonly position: number
  readonly bytes: Buffer
}

export class LaneDirectory {
  #entries: Buffer
  #length: number

  /** `entries`: as the file's directory has them; taken over. */
  constructor(entries: Buffer = Buffer.alloc(FIRST_CAPACITY * BLOCK_HEADER_BYTES), length = 0) {
    this.#entries = entries
    this.#length = length
  }

  /** Blocks. */
  get length(): number {
    return this.#length
  }

  /** As the file has it. */
  get bytes(): Buffer {
    return this.#entries.subarray(0, this.#length * BLOCK_HEADER_BYTES)
  }

  /** Adds a block, of which `header` holds the first bytes, at `position` of the file. */
  push(header: Buffer, position: number): void {
    const at = this.#length * BLOCK_HEADER_BYTES
    if (at === this.#entries.length) {
      const grown = Buffer.alloc(at * 4)
      this.#entries.copy(grown)
      this.#entries = grown
    }
    header.copy(this.#entries, at, 0, BLOCK_HEADER_BYTES)
    this.#entries.writeUInt32BE(position, at)
    this.#length += 1
  }

  first(block: number): number {
    return blockFirst(this.#entries, block * BLOCK_HEADER_BYTES)
  }

  end(block: number): number {
    return blockEnd(this.#entries, block * BLOCK_HEADER_BYTES)
  }

  runs(block: number, lane: number): number {
    return blockRuns(this.#entries, block * BLOCK_HEADER_BYTES, lane)
  }

  records(block: number, lane: number): number {
    return blockRecords(this.#entries, block * BLOCK_HEADER_BYTES, lane)
  }

  /** The first block that ends behind `offset`. */
  find(offset: number): number {
    let low = 0
    let high = this.#length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.end(middle) <= offset) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The first block from `block` on that has records of the lane. */
  withLane(lane: number, block: number): number {
    let found = block
    while (found < this.#length && this.runs(found, lane) === 0) found += 1
    return found
  }

  /** The chunk that a block is part of. */
  chunkIdOf(block: number): number {
    return Math.floor(this.position(block) / CHUNK_BYTES)
  }

  chunkOf(block: number): LaneChunk {
    const id = this.chunkIdOf(block)
    let first = block
    while (first > 0 && this.chunkIdOf(first - 1) === id) first -= 1
    let end = block + 1
    while (end < this.#length && this.chunkIdOf(end) === id) end += 1
    const position = this.position(first)
    const bytes = this.position(end - 1) + this.#bytes(end - 1) - position
    return { id, first, end, position, bytes }
  }

  /** True where `bytes` are the blocks of that chunk. */
  matches(chunk: LaneChunk, bytes: Buffer): boolean {
    for (let block = chunk.first; block < chunk.end; block += 1) {
      const at = this.position(block) - chunk.position
      const entry = block * BLOCK_HEADER_BYTES
      if (!isBlock(bytes, at, this.first(block))) return false
      const header = bytes.subarray(at + 4, at + BLOCK_HEADER_BYTES)
      if (!header.equals(this.#entries.subarray(entry + 4, entry + BLOCK_HEADER_BYTES))) {
        return false
      }
    }
    return true
  }

  /** Runs of the lane in a block, of whose chunk `bytes` are those from `position` on. */
  runsIn(
    block: number,
    lane: number,
    { position, bytes }: Pick<LoadedChunk, 'position' | 'bytes'>,
  ): BlockRuns {
    const inChunk = this.position(block) - position
    const before = runsBefore(this.#entries, block * BLOCK_HEADER_BYTES, lane)
    const at = inChunk + BLOCK_HEADER_BYTES + before
    return new BlockRuns(bytes, at, this.runs(block, lane))
  }

  /** Where a block begins in the file. */
  position(block: number): number {
    return this.#entries.readUInt32BE(block * BLOCK_HEADER_BYTES)
  }

  #bytes(block: number): number {
    return blockBytes(this.#entries, block * BLOCK_HEADER_BYTES)
  }
}

/** The runs of one lane in one block, as they lie in the file: offsets are relative to the segment's base. */
export class BlockRuns {
  readonly #bytes: Buffer
  readonly #at: number
  readonly #count: number

  constructor(bytes: Buffer, at: number, count: number) {
    this.#bytes = bytes
    this.#at = at
    this.#count = count
  }

  /** Adds the runs from `from` on, cut there. */
  collect(from: number, baseOffset: number, into: RunCollector): void {
    for (let i = this.#find(from - baseOffset); i < this.#count && !into.isFull; i += 1) {
      const begin = baseOffset + this.#begin(i)
      into.add(Math.max(from, begin), begin + this.#records(i))
    }
  }

  /** Records from `from` on. */
  count(from: number, baseOffset: number): number {
    let records = 0
    const relative = from - baseOffset
    for (let i = this.#find(relative); i < this.#count; i += 1) {
      records += this.#records(i) - Math.max(0, relative - this.#begin(i))
    }
    return records
  }

  /** The first run that ends behind `relative`. */
  #find(relative: number): number {
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#begin(middle) + this.#records(middle) <= relative) low = middle + 1
      else high = middle
    }
    return low
  }

  #begin(i: number): number {
    return this.#bytes.readUInt32BE(this.#at + i * RUN_BYTES)
  }

  #records(i: number): number {
    return this.#bytes.readUInt32BE(this.#at + i * RUN_BYTES + 4)
  }
}
