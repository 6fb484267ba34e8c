/** Holding the entries of an index file against the records that were found. */
import { ENTRY_BYTES, entryKey, entryMixed, entryValue, isEntry } from './indexEntries.ts'
import { type IndexLine, type ProblemLine, timeText } from './inspectLines.ts'

export type IndexKind = IndexLine['kind']

export interface SeenRecord {
  readonly position: number
  readonly offset: number
  readonly timestampMs: number
  readonly mixed: boolean
}

/** The entries of one index file, checked off as the records they name go by. */
export class IndexCheck {
  readonly #kind: IndexKind
  readonly #file: string
  readonly #bytes: Buffer
  readonly #baseOffset: number
  /** From the record's position (index) or offset (timeindex) to the positions of entries, mostly one. */
  readonly #expected = new Map<number, number[]>()
  readonly #confirmed = new Set<number>()
  /** Entries that say what is not so of the lanes in front of them. */
  readonly #mistaken = new Set<number>()

  constructor(kind: IndexKind, file: string, bytes: Buffer, baseOffset: number) {
    this.#kind = kind
    this.#file = file
    this.#bytes = bytes
    this.#baseOffset = baseOffset
    for (let at = 0; at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES) {
      if (!isEntry(bytes, at)) continue
      const value = entryValue(bytes, at)
      this.#expected.set(value, [...(this.#expected.get(value) ?? []), at])
    }
  }

  get entries(): number {
    return Math.floor(this.#bytes.length / ENTRY_BYTES)
  }

  /** True where its last entry knows of lanes. */
  get knowsLanes(): boolean {
    const last = (this.entries - 1) * ENTRY_BYTES
    return last >= 0 && entryMixed(this.#bytes, last) !== undefined
  }

  /** A good record went by; `mixed`: not all in front of it are normal. */
  saw({ position, offset, timestampMs, mixed }: SeenRecord): void {
    const isIndex = this.#kind === 'index'
    const key = isIndex ? offset : timestampMs
    for (const at of this.#expected.get(isIndex ? position : offset - this.#baseOffset) ?? []) {
      if (entryKey(this.#bytes, at) === key) this.#confirmed.add(at)
      if (isIndex && (entryMixed(this.#bytes, at) ?? mixed) !== mixed) this.#mistaken.add(at)
    }
  }

  /** Each entry, or what is wrong with it. `wanted`: how many there should be; undefined where fewer will do. */
  *lines(wanted: number | undefined): Generator<IndexLine | ProblemLine> {
    let lastKey = -1
    let at = 0
    for (; at + ENTRY_BYTES <= this.#bytes.length; at += ENTRY_BYTES) {
      const reason = this.#reason(at, lastKey)
      yield reason === undefined ? this.#line(at) : this.#problem(at, reason)
      if (reason === undefined) lastKey = entryKey(this.#bytes, at)
    }
    if (at < this.#bytes.length) yield this.#problem(at, 'torn index entry')
    if (wanted !== undefined && this.entries < wanted) {
      yield this.#problem(at, `${this.entries} entries where ${wanted} belong`)
    }
  }

  #reason(at: number, lastKey: number): string | undefined {
    if (!isEntry(this.#bytes, at)) return 'index entry with a wrong checksum'
    if (entryKey(this.#bytes, at) <= lastKey) return 'index entry out of order'
    if (!this.#confirmed.has(at)) return 'index entry that points at no such record'
    return this.#mistaken.has(at) ? 'index entry that is wrong about lanes' : undefined
  }

  #line(at: number): IndexLine {
    const key = entryKey(this.#bytes, at)
    const value = entryValue(this.#bytes, at)
    const where = { kind: this.#kind, file: this.#file, position: at }
    const mixed = entryMixed(this.#bytes, at)
    return this.#kind === 'index'
      ? { ...where, offset: key, recordPosition: value, ...(mixed === undefined ? {} : { mixed }) }
      : { ...where, offset: this.#baseOffset + value, timestamp: timeText(key) }
  }

  #problem(position: number, reason: string): ProblemLine {
    return { kind: 'problem', file: this.#file, position, reason, repairable: true }
  }
}
