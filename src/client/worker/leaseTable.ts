/**
 * What a worker holds, in memory that it shares with the thread that renews its leases. No message passes between them
 * for a lease that is settled soon: the one writes, the other looks now and then.
 *
 *   slot = state u32 | topic | partition | nonce | delivery count | count | taken     32-bit words
 *          first offset | since | started                                            64-bit floats
 *
 *   held     records [first + taken, first + count) are renewed
 *   lapsed   the thread let them go: their handler ran too long
 *   lost     the broker has given them to somebody else
 *   free     nobody's
 *
 * The state word has a version beside the state, which grows with each use of the slot. Whoever changes a state does it
 * by compare-and-exchange, so that a lease that lapses while its handler returns is either let go or settled, never both.
 * The other fields are written before the state and stay as they are, but for `taken`, which only grows, and `started`,
 * which is set once.
 */
export const SLOT = { FREE: 0, HELD: 1, LAPSED: 2, LOST: 3 } as const
export const STATE_BITS = 2
export const SLOT_WORDS = 8
export const SLOT_FLOATS = 3
const STATE_MASK = (1 << STATE_BITS) - 1

/** Records of one hand-out that follow each other. */
export interface HeldRange {
  /** Place of the topic in the worker's list. */
  readonly topic: number
  readonly partition: number
  readonly nonce: number
  readonly deliveryCount: number
  readonly offset: number
  readonly count: number
}

export interface HeldSlot {
  readonly slot: number
  readonly version: number
}

export class LeaseTable {
  readonly slots: number
  readonly memory: SharedArrayBuffer
  readonly #words: Int32Array
  readonly #floats: Float64Array
  readonly #free: number[]

  constructor(slots: number) {
    this.slots = slots
    const wordBytes = slots * SLOT_WORDS * Int32Array.BYTES_PER_ELEMENT
    this.memory = new SharedArrayBuffer(
      wordBytes + slots * SLOT_FLOATS * Float64Array.BYTES_PER_ELEMENT,
    )
    this.#words = new Int32Array(this.memory, 0, slots * SLOT_WORDS)
    this.#floats = new Float64Array(this.memory, wordBytes, slots * SLOT_FLOATS)
    this.#free = Array.from({ length: slots }, (_, i) => slots - 1 - i)
  }

  get freeSlots(): number {
    return this.#free.length
  }

  /** `sinceMs`: when they were leased; `startedMs`: when their handler began, 0 where none did. Of {@link sharedNowMs}. */
  hold(range: HeldRange, sinceMs: number, startedMs: number): HeldSlot {
    const slot = this.#free.pop()
    if (slot === undefined) throw new RangeError('no free slot')
    const words = this.#words
    const at = slot * SLOT_WORDS
    const version = (Atomics.load(words, at) >>> STATE_BITS) + 1
    words[at + 1] = range.topic
    words[at + 2] = range.partition
    words[at + 3] = range.nonce
    words[at + 4] = range.deliveryCount
    words[at + 5] = range.count
    words[at + 6] = 0
    const float = slot * SLOT_FLOATS
    this.#floats[float] = range.offset
    this.#floats[float + 1] = sinceMs
    this.#floats[float + 2] = startedMs
    Atomics.store(words, at, (version << STATE_BITS) | SLOT.HELD)
    return { slot, version: (version << STATE_BITS) >>> STATE_BITS }
  }

  /** The handler of what is held in the slot, one message, begins. */
  begin(slot: number, startedMs: number): void {
    this.#floats[slot * SLOT_FLOATS + 2] = startedMs
  }

  /** The first `taken` of the range are in slots of their own by now. */
  take(slot: number, taken: number): void {
    Atomics.store(this.#words, slot * SLOT_WORDS + 6, taken)
  }

  isHeld({ slot, version }: HeldSlot): boolean {
    const word = Atomics.load(this.#words, slot * SLOT_WORDS)
    return (word & STATE_MASK) === SLOT.HELD && word >>> STATE_BITS === version
  }

  /** Frees the slot. False where what was in it was lost, or let go, before. */
  free({ slot, version }: HeldSlot): boolean {
    const at = slot * SLOT_WORDS
    const held = (version << STATE_BITS) | SLOT.HELD
    const wasHeld =
      Atomics.compareExchange(this.#words, at, held, version << STATE_BITS) === (held | 0)
    if (!wasHeld) Atomics.store(this.#words, at, version << STATE_BITS)
    this.#free.push(slot)
    return wasHeld
  }
}

/** The same in every thread of the process: milliseconds since 1970, never going back. */
export const sharedNowMs = (): number => performance.timeOrigin + performance.now()
