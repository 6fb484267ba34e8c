/**
 * Which writes are made on the spot instead of by a thread of the pool.
 *
 * A few KiB into the page cache take some microseconds; the way to a thread and back takes five times as long, and one
 * turn of the event loop. Measured over HTTP: a publish of one message costs a quarter less, and the wait of a lone
 * client halves (`npm run bench json-1 json-single`, also with SMALL_WRITE_BYTES at 0).
 *
 * The page cache is not always willing: the kernel makes writers wait when too much of it is unwritten. So a write that
 * took long sends the next ones to the pool for a hundred times as long, and none is made on the spot while the same
 * file is synced: at most 1 % of the time is spent in waiting. In proportion, for on a busy machine a write also takes
 * long because another process had the processor meanwhile, and that says nothing about the next.
 */
import { KiB } from '../kernel/units.ts'

/** Larger writes leave the event loop to others while they are copied. */
export const SMALL_WRITE_BYTES = 16 * KiB
const SLOW_MS = 2
const CAUTION_FACTOR = 100

/** One for all files of a disk. */
export class SmallWrites {
  readonly #nowMs: () => number
  #cautiousUntilMs = Number.NEGATIVE_INFINITY

  /** `nowMs`: a clock that never goes back. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** True where so many bytes may be written on the spot. */
  suits(bytes: number): boolean {
    return bytes <= SMALL_WRITE_BYTES && this.#nowMs() >= this.#cautiousUntilMs
  }

  /** Makes a write on the spot and learns from how long it took. Throws what it throws. */
  run(write: () => void): void {
    const begunMs = this.#nowMs()
    try {
      write()
    } finally {
      const endMs = this.#nowMs()
      const tookMs = endMs - begunMs
      if (tookMs > SLOW_MS) this.#cautiousUntilMs = endMs + CAUTION_FACTOR * tookMs
    }
  }
}
