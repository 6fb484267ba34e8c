/**
 * A page of the index: what is known of 4096 neighbouring offsets of one delay log.
 *
 * In memory it is columns of plain numbers, 19 bytes an entry, which grow as the page fills (and 2 where it was listed); on disk 32 bytes an
 * entry behind a header of 16, all integers big-endian:
 *
 *    0  magic "GX"   u16
 *    2  version = 1  u8
 *    3  reserved     u8
 *    4  crc32c       u32   over every byte from 8 to the end
 *    8  covers       u64   every record of the delay log below this offset is accounted for in this page
 *   16  entries, by offset from the page's first one on
 *         0  due          u64   milliseconds since 1970
 *         8  published    u64   when the delay log took it
 *        16  state        u8    0 none, 1 pending, 2 delivered, 3 cancelled, 4 expired
 *        17  priority     u8
 *        18  keyless      u8    1: the record has no key; 0: it may have one
 *        19  reserved     13 bytes of zero
 *
 * All minima are lower bounds: an entry that leaves does not raise them, looking for what comes next does.
 */
import { crc32c } from '../record/index.ts'
import { BlockMinima } from './blockMinima.ts'
import { orderByDue } from './dueOrder.ts'
import type { DueTimes } from './dueTimes.ts'
import { isOpen, STATE, storedState } from './states.ts'

export const PAGE_ENTRIES = 4096
const HEADER_BYTES = 16
const ENTRY_BYTES = 32
const MAGIC = 0x4758
const VERSION = 1
const CAPACITY_MIN = 64

export interface EntryFacts {
  readonly dueMs: number
  readonly publishedMs: number
  readonly priority: number
  /** Its record need not be read for a key. */
  readonly isKeyless: boolean
}

export interface RunOfTimes {
  readonly from: number
  readonly to: number
  readonly publishedMs: number
}

/** Who is told that an entry's time has come. */
export interface PageOwner {
  due(offset: number): void
}

export class IndexPage {
  readonly owner: PageOwner
  readonly number: number
  /** Offset of its first entry. */
  readonly base: number
  dueMs = new Float64Array(CAPACITY_MIN)
  publishedMs = new Float64Array(CAPACITY_MIN)
  states = new Uint8Array(CAPACITY_MIN)
  priorities = new Uint8Array(CAPACITY_MIN)
  /** 1 where the record has no key; 0 where it may have one. */
  keyless = new Uint8Array(CAPACITY_MIN)
  /** Timers of its entries, 0 where there is none; only while there is any. */
  timers: Float64Array | undefined
  timerCount = 0
  /** Where the alarm knows it by; only while it has timers. */
  slot = -1
  /** Entries that are not final. */
  open = 0
  /** No open entry is due before. */
  minDueMs = Number.POSITIVE_INFINITY
  /** No pending entry without a timer is due before. */
  minUntimedMs = Number.POSITIVE_INFINITY
  /** The same for each few neighbours. */
  readonly blocks = new BlockMinima(PAGE_ENTRIES)
  #order: Uint16Array | undefined
  /** Differs from what lies on disk. */
  dirty = false

  constructor(owner: PageOwner, number: number) {
    this.owner = owner
    this.number = number
    this.base = number * PAGE_ENTRIES
  }

  /** Places of the open entries by their due times, and of some that are final; undefined where that is not known. */
  get order(): Uint16Array | undefined {
    return this.#order
  }

  /** True where it is worth while to know the order of the entries, and it is not known or mostly of what is final. */
  get lacksOrder(): boolean {
    const isFull = this.state(PAGE_ENTRIES - 1) !== STATE.NONE
    return isFull && (this.#order === undefined || this.#order.length > 2 * this.open)
  }

  sort(): void {
    this.#order = orderByDue(this)
  }

  /** A new message, pending. */
  add(i: number, { dueMs, publishedMs, priority, isKeyless }: EntryFacts): void {
    this.#reserve(i + 1)
    this.publishedMs[i] = publishedMs
    this.priorities[i] = priority
    this.keyless[i] = isKeyless ? 1 : 0
    this.states[i] = STATE.PENDING
    this.open += 1
    this.setDue(i, dueMs)
  }

  /** New messages one behind the other, all taken at one time. `from` and `to` are places in `times`. */
  addRun(i: number, times: DueTimes, { from, to, publishedMs }: RunOfTimes): void {
    const count = to - from
    this.#order = undefined
    this.#reserve(i + count)
    this.dueMs.set(times.dueMs.subarray(from, to), i)
    this.priorities.set(times.priorities.subarray(from, to), i)
    this.keyless.set(times.keyless.subarray(from, to), i)
    this.publishedMs.fill(publishedMs, i, i + count)
    this.states.fill(STATE.PENDING, i, i + count)
    this.open += count
    let min = this.minDueMs
    for (let k = from; k < to; k += 1) {
      const dueMs = times.dueMs[k] as number
      if (dueMs < min) min = dueMs
      this.blocks.lower(i + k - from, dueMs)
    }
    this.minDueMs = min
    this.minUntimedMs = Math.min(this.minUntimedMs, min)
    this.dirty = true
  }

  setDue(i: number, dueMs: number): void {
    this.#order = undefined
    this.dueMs[i] = dueMs
    this.blocks.lower(i, dueMs)
    if (dueMs < this.minDueMs) this.minDueMs = dueMs
    if (dueMs < this.minUntimedMs) this.minUntimedMs = dueMs
    this.dirty = true
  }

  state(i: number): number {
    return this.states[i] ?? STATE.NONE
  }

  setState(i: number, state: number): void {
    const before = this.state(i)
    this.states[i] = state
    if (isOpen(before) && !isOpen(state)) this.open -= 1
    if (storedState(before) !== storedState(state)) this.dirty = true
  }

  /** Raises the minima to what they are. O(entries). */
  refresh(): void {
    let [due, untimed] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
    const { states, dueMs, timers, blocks } = this
    blocks.clear()
    for (let i = 0; i < states.length; i += 1) {
      const state = states[i] as number
      if (!isOpen(state)) continue
      const at = dueMs[i] as number
      if (at < due) due = at
      blocks.lower(i, at)
      if (state !== STATE.PENDING || at >= untimed) continue
      if (timers === undefined || timers[i] === 0) untimed = at
    }
    this.minDueMs = due
    this.minUntimedMs = untimed
  }

  encode(covers: number): Buffer {
    const count = this.states.length
    const bytes = Buffer.alloc(HEADER_BYTES + count * ENTRY_BYTES)
    for (let i = 0, at = HEADER_BYTES; i < count; i += 1, at += ENTRY_BYTES) {
      const state = storedState(this.states[i] as number)
      if (state === STATE.NONE) continue
      putTime(bytes, at, this.dueMs[i] as number)
      putTime(bytes, at + 8, this.publishedMs[i] as number)
      bytes[at + 16] = state
      bytes[at + 17] = this.priorities[i] as number
      bytes[at + 18] = this.keyless[i] as number
    }
    bytes.writeUInt16BE(MAGIC, 0)
    bytes[2] = VERSION
    putTime(bytes, 8, covers)
    bytes.writeUInt32BE(crc32c(bytes, 8), 4)
    return bytes
  }

  /** The offset up to which a page of these bytes is good; undefined where they are no page. */
  static coverage(bytes: Buffer): number | undefined {
    const length = bytes.length - HEADER_BYTES
    if (length < 0 || length % ENTRY_BYTES !== 0 || length > PAGE_ENTRIES * ENTRY_BYTES) {
      return undefined
    }
    if (bytes.readUInt16BE(0) !== MAGIC || bytes[2] !== VERSION) return undefined
    return bytes.readUInt32BE(4) === crc32c(bytes, 8) ? timeAt(bytes, 8) : undefined
  }

  /** Takes in what {@link coverage} has found good, but for entries from `end` on. */
  decode(bytes: Buffer, end: number): void {
    const count = Math.min((bytes.length - HEADER_BYTES) / ENTRY_BYTES, end - this.base)
    this.#order = undefined
    this.#reserve(count)
    for (let i = 0, at = HEADER_BYTES; i < count; i += 1, at += ENTRY_BYTES) {
      const state = bytes[at + 16] as number
      if (state === STATE.NONE) continue
      const dueMs = timeAt(bytes, at)
      this.dueMs[i] = dueMs
      this.publishedMs[i] = timeAt(bytes, at + 8)
      this.states[i] = state
      this.priorities[i] = bytes[at + 17] as number
      this.keyless[i] = bytes[at + 18] as number
      if (state !== STATE.PENDING) continue
      this.open += 1
      this.blocks.lower(i, dueMs)
      if (dueMs < this.minDueMs) this.minDueMs = dueMs
    }
    this.minUntimedMs = this.minDueMs
  }

  #reserve(entries: number): void {
    if (entries <= this.states.length) return
    let capacity = this.states.length
    while (capacity < entries) capacity *= 4
    const grown = { length: Math.min(capacity, PAGE_ENTRIES) }
    this.dueMs = copied(new Float64Array(grown.length), this.dueMs)
    this.publishedMs = copied(new Float64Array(grown.length), this.publishedMs)
    this.states = copied(new Uint8Array(grown.length), this.states)
    this.priorities = copied(new Uint8Array(grown.length), this.priorities)
    this.keyless = copied(new Uint8Array(grown.length), this.keyless)
    if (this.timers) this.timers = copied(new Float64Array(grown.length), this.timers)
  }
}

const copied = <A extends Float64Array | Uint8Array>(to: A, from: A): A => {
  to.set(from)
  return to
}

function putTime(bytes: Buffer, at: number, value: number): void {
  bytes.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at)
  bytes.writeUInt32BE(value >>> 0, at + 4)
}

const timeAt = (bytes: Buffer, at: number): number =>
  bytes.readUInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4)
