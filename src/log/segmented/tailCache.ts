/**
 * What was written last stays in memory, for all logs of an engine together within one budget, the oldest
 * dropped first. A reader at the tail never meets a file.
 *
 * A chunk is a run of whole records of one log, usually one group as it was written. Groups are laid one behind
 * the other into blocks of memory that are used again (`arenas.ts`), and where two small ones of one log lie side
 * by side they are one chunk. All chunks form one list by age; those of one log are also an array by offset.
 * What is read is copied out: its memory may be written over while a reply is on its way.
 */
import { KiB } from '../../kernel/units.ts'
import { recordLength } from '../../record/index.ts'
import type { ReadLimit } from '../port.ts'
import { Arenas } from './arenas.ts'
import type { IndexBlock } from './indexBuilder.ts'
import {
  entryKey,
  entryValue,
  floorEntry,
  floorEntryByValue,
  type IndexEntry,
} from './indexEntries.ts'

/** Small chunks grow up to this: it bounds the walk from a chunk's start to a record in it. */
const GROWN_CHUNK_BYTES = 32 * KiB
/** What a chunk costs beside its bytes. */
const CHUNK_OVERHEAD_BYTES = 256
const EMPTY = Buffer.alloc(0)

interface Chunk {
  readonly owner: TailOfLog
  readonly baseOffset: number
  endOffset: number
  /** Where it lies in its segment: what the marks are relative to. */
  readonly position: number
  bytes: Buffer
  /** Of the memory in which its bytes lie. */
  allocations: number
  /** Index entries of the records in it; empty where walking is as fast. */
  readonly marks: Buffer
  older: Chunk | undefined
  newer: Chunk | undefined
}

/** The part of the cache that is one log's. */
export interface TailOfLog {
  readonly chunks: Chunk[]
  /** Chunks before it were dropped. */
  first: number
}

export interface TailWrite {
  readonly bytes: Buffer
  readonly baseOffset: number
  readonly endOffset: number
  readonly position: number
  readonly block: IndexBlock | undefined
}

export interface TailRead {
  readonly bytes: Buffer
  readonly nextOffset: number
}

export class TailCache {
  readonly #budgetBytes: number
  #usedBytes = 0
  #oldest: Chunk | undefined
  #newest: Chunk | undefined
  readonly #arenas = new Arenas()

  constructor(budgetBytes: number) {
    this.#budgetBytes = budgetBytes
  }

  /** Memory charged at this moment, in bytes. */
  get usedBytes(): number {
    return this.#usedBytes
  }

  newTail(): TailOfLog {
    return { chunks: [], first: 0 }
  }

  /** Memory for a group of `size` bytes that will be added or abandoned. */
  allocate(size: number): Buffer {
    return this.#arenas.allocate(size)
  }

  /** Gives back memory of a group that will not be added. */
  abandon(bytes: Buffer): void {
    this.#arenas.giveBack(bytes)
  }

  /** Takes in what was just written to `owner`, directly behind what it had before. */
  add(owner: TailOfLog, write: TailWrite): void {
    if (this.#budgetBytes === 0) {
      this.#arenas.giveBack(write.bytes)
      return
    }
    const last = owner.chunks.at(-1)
    if (last !== undefined && isNeighbour(last, write)) {
      const length = last.bytes.length + write.bytes.length
      last.bytes = Buffer.from(last.bytes.buffer, last.bytes.byteOffset, length)
      last.endOffset = write.endOffset
      last.allocations += 1
      this.#usedBytes += write.bytes.length
    } else {
      this.#push(owner, write)
    }
    while (this.#usedBytes > this.#budgetBytes && this.#oldest !== undefined) {
      this.#drop(this.#oldest)
    }
  }

  /** Forgets all of one log. */
  clear(owner: TailOfLog): void {
    while (owner.first < owner.chunks.length) this.#drop(owner.chunks[owner.first] as Chunk)
  }

  /** Records from `from` on; undefined where the cache does not reach back so far. */
  read(owner: TailOfLog, from: number, limit: ReadLimit): TailRead | undefined {
    const first = findChunk(owner, from)
    if (first < 0) return undefined
    const parts: Buffer[] = []
    let offset = from
    let { maxBytes, maxRecords } = limit
    for (let i = first; i < owner.chunks.length && maxRecords > 0; i += 1) {
      const chunk = owner.chunks[i] as Chunk
      const start = startInChunk(chunk, offset)
      const end = endInChunk(chunk, { offset, position: start }, { maxBytes, maxRecords })
      const size = end.position - start
      if (parts.length > 0 && size > maxBytes) break
      parts.push(chunk.bytes.subarray(start, end.position))
      maxBytes -= size
      maxRecords -= end.offset - offset
      offset = end.offset
      if (end.position < chunk.bytes.length || maxBytes <= 0) break
    }
    return { bytes: Buffer.concat(parts), nextOffset: offset }
  }

  #push(owner: TailOfLog, write: TailWrite): void {
    const chunk: Chunk = {
      owner,
      baseOffset: write.baseOffset,
      endOffset: write.endOffset,
      position: write.position,
      bytes: write.bytes,
      allocations: 1,
      marks: write.block?.offsets ?? EMPTY,
      older: this.#newest,
      newer: undefined,
    }
    if (this.#newest === undefined) this.#oldest = chunk
    else this.#newest.newer = chunk
    this.#newest = chunk
    owner.chunks.push(chunk)
    this.#usedBytes += charge(chunk)
  }

  /** Drops a chunk that is the oldest of its log. */
  #drop(chunk: Chunk): void {
    if (chunk.older === undefined) this.#oldest = chunk.newer
    else chunk.older.newer = chunk.newer
    if (chunk.newer === undefined) this.#newest = chunk.older
    else chunk.newer.older = chunk.older
    this.#usedBytes -= charge(chunk)
    this.#arenas.giveBack(chunk.bytes, chunk.allocations)
    // Its log's array still names it for a while: neither memory nor neighbours may hang on it.
    chunk.bytes = EMPTY
    chunk.older = undefined
    chunk.newer = undefined
    const { owner } = chunk
    owner.first += 1
    if (owner.first * 2 >= owner.chunks.length) {
      owner.chunks.splice(0, owner.first)
      owner.first = 0
    }
  }
}

const charge = (chunk: Chunk): number =>
  chunk.bytes.length + chunk.marks.length + CHUNK_OVERHEAD_BYTES

/** True where `write` lies in memory right behind a small chunk, so that both can be one. */
function isNeighbour(last: Chunk, write: TailWrite): boolean {
  const { bytes } = last
  return (
    bytes.buffer === write.bytes.buffer &&
    bytes.byteOffset + bytes.length === write.bytes.byteOffset &&
    bytes.length + write.bytes.length <= GROWN_CHUNK_BYTES &&
    last.endOffset === write.baseOffset
  )
}

/** Index of the chunk that holds `offset`; -1 where there is none. */
function findChunk({ chunks, first }: TailOfLog, offset: number): number {
  let low = first
  let high = chunks.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((chunks[middle] as Chunk).baseOffset <= offset) low = middle + 1
    else high = middle
  }
  const found = low - 1
  return found >= first && offset < (chunks[found] as Chunk).endOffset ? found : -1
}

const mark = (chunk: Chunk, at: number): IndexEntry => ({
  key: entryKey(chunk.marks, at),
  value: entryValue(chunk.marks, at) - chunk.position,
})

/** Position in the chunk of the record with `offset`. */
function startInChunk(chunk: Chunk, offset: number): number {
  if (offset === chunk.baseOffset) return 0
  const at = floorEntry(chunk.marks, offset)
  let { key, value } = at < 0 ? { key: chunk.baseOffset, value: 0 } : mark(chunk, at)
  for (; key < offset; key += 1) value += recordLength(chunk.bytes, value)
  return value
}

interface Place {
  readonly offset: number
  readonly position: number
}

/** The end of the records from `start` on that `limit` allows: at least one. */
function endInChunk(chunk: Chunk, start: Place, limit: ReadLimit): Place {
  const { bytes, marks } = chunk
  const positionMax = start.position + limit.maxBytes
  const offsetMax = start.offset + limit.maxRecords
  if (bytes.length <= positionMax && chunk.endOffset <= offsetMax) {
    return { offset: chunk.endOffset, position: bytes.length }
  }
  const at = Math.min(
    floorEntry(marks, offsetMax),
    floorEntryByValue(marks, chunk.position + positionMax),
  )
  const known = at < 0 ? undefined : mark(chunk, at)
  let { offset, position } =
    known !== undefined && known.value > start.position
      ? { offset: known.key, position: known.value }
      : start
  while (offset < offsetMax && position < bytes.length) {
    const end = position + recordLength(bytes, position)
    if (end > positionMax && position > start.position) break
    position = end
    offset += 1
  }
  return { offset, position }
}
