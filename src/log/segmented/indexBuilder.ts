/** Collects the index entries and the lanes of records as they pass, in stamping and in scanning alike. */
import { NORMAL_PRIORITY } from '../../kernel/priority.ts'
import {
  ENTRY_BYTES,
  entryKey,
  entryValue,
  INDEX_INTERVAL_BYTES,
  MARK,
  putEntry,
} from './indexEntries.ts'

/** Entries of one group of records, encoded as they will lie in the files. */
export interface IndexBlock {
  readonly offsets: Buffer
  readonly times: Buffer
  /** Where the lane changes: offset and lane by turns, before the first the records are normal; undefined: all are. */
  readonly turns: readonly number[] | undefined
  /** The offset behind the group: when it is on disk, the entries may be written. */
  readonly endOffset: number
}

/** How far a segment is indexed. */
export interface IndexedTo {
  /** Position of the last indexed record; 0 at the beginning. */
  readonly position: number
  /** Time of the last entry of the time index; -1 where there is none. */
  readonly timestampMs: number
  /** Not all records so far are normal. */
  readonly mixed: boolean
}

/** Stands for the time of the record at `position`, which is the last entry's: it will pass first. */
export const TIME_OF_THAT_RECORD = Number.NEGATIVE_INFINITY

export const NOTHING_INDEXED: IndexedTo = { position: 0, timestampMs: -1, mixed: false }
const NO_ENTRIES = Buffer.alloc(0)

export class IndexBuilder {
  /** The position from which on the next record is indexed. Read for each record, so a plain field. */
  nextPosition: number
  /** The lane of the last record that passed. Read for each record, so a plain field. */
  lane: number = NORMAL_PRIORITY
  readonly #baseOffset: number
  #from: IndexedTo
  #timestampMs: number
  #offsets: EntryList | undefined
  #times: EntryList | undefined
  #turns: number[] | undefined

  constructor(baseOffset: number, from: IndexedTo) {
    this.#from = from
    this.#baseOffset = baseOffset
    this.#timestampMs = from.timestampMs
    const isTimeKnown = from.timestampMs !== TIME_OF_THAT_RECORD
    this.nextPosition = from.position + (isTimeKnown ? INDEX_INTERVAL_BYTES : 0)
  }

  /** Not all records that passed, or were indexed before, are normal. */
  get isMixed(): boolean {
    return this.#from.mixed || this.#turns !== undefined
  }

  /** Indexes a record that begins at or behind `nextPosition`. */
  add(offset: number, position: number, timestampMs: number): void {
    this.nextPosition = position + INDEX_INTERVAL_BYTES
    if (this.#timestampMs === TIME_OF_THAT_RECORD) {
      this.#from = { ...this.#from, position, timestampMs }
      this.#timestampMs = timestampMs
      return
    }
    this.#offsets ??= new EntryList()
    this.#offsets.push(offset, position + MARK.LANES_KNOWN + (this.isMixed ? MARK.MIXED : 0))
    if (timestampMs <= this.#timestampMs) return
    this.#times ??= new EntryList()
    this.#times.push(timestampMs, offset - this.#baseOffset)
    this.#timestampMs = timestampMs
  }

  /** Notes that the lane changes with a record; after {@link add} for the same one. */
  turn(offset: number, lane: number): void {
    this.lane = lane
    this.#turns ??= []
    this.#turns.push(offset, lane)
  }

  /** What was collected, up to `endOffset`; undefined where nothing was. */
  take(endOffset: number): IndexBlock | undefined {
    const turns = turnsBelow(this.#turns, endOffset)
    this.#turns = undefined
    if (this.#offsets === undefined) {
      return turns && { offsets: NO_ENTRIES, times: NO_ENTRIES, turns, endOffset }
    }
    const relativeEnd = endOffset - this.#baseOffset
    const offsets = this.#offsets.take((bytes, at) => entryKey(bytes, at) < endOffset)
    const times = this.#times?.take((bytes, at) => entryValue(bytes, at) < relativeEnd)
    this.#offsets = undefined
    this.#times = undefined
    return { offsets, times: times ?? NO_ENTRIES, turns, endOffset }
  }

  /** How far the segment is indexed once `block`, the first one taken, is part of it. */
  indexedWith(block: IndexBlock | undefined): IndexedTo {
    const offsets = block?.offsets ?? NO_ENTRIES
    const times = block?.times ?? NO_ENTRIES
    return {
      position: lastOf(offsets, entryValue) ?? this.#from.position,
      timestampMs: lastOf(times, entryKey) ?? this.#from.timestampMs,
      mixed: this.#from.mixed || block?.turns !== undefined,
    }
  }
}

const lastOf = (
  entries: Buffer,
  column: (bytes: Buffer, at: number) => number,
): number | undefined =>
  entries.length === 0 ? undefined : column(entries, entries.length - ENTRY_BYTES)

function turnsBelow(turns: number[] | undefined, endOffset: number): number[] | undefined {
  if (turns === undefined) return undefined
  while (turns.length > 0 && (turns[turns.length - 2] as number) >= endOffset) turns.length -= 2
  return turns.length > 0 ? turns : undefined
}

const FIRST_CAPACITY = 4

/** Encoded entries, growing. */
class EntryList {
  #bytes = Buffer.allocUnsafeSlow(FIRST_CAPACITY * ENTRY_BYTES)
  #length = 0

  push(key: number, value: number): void {
    if (this.#length === this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(this.#bytes.length * 4)
      this.#bytes.copy(grown)
      this.#bytes = grown
    }
    putEntry(this.#bytes, this.#length, key, value)
    this.#length += ENTRY_BYTES
  }

  /** The entries, without those at the end that `keep` refuses. */
  take(keep: (bytes: Buffer, at: number) => boolean): Buffer {
    let end = this.#length
    while (end > 0 && !keep(this.#bytes, end - ENTRY_BYTES)) end -= ENTRY_BYTES
    return this.#bytes.subarray(0, end)
  }
}
