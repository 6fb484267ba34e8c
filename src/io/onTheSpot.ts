/**
 * Which writes and reads are made on the spot instead of by a thread of the pool.
 *
 * To or from the page cache a few KiB take some microseconds; the way to a thread and back takes ten times as long, most
 * of it on the event loop (waking a thread: 60 to 90 µs a call on two virtual processors), and one turn of that loop.
 * Measured over HTTP: a publish of one message costs a quarter less, and the wait of a lone client halves (`npm run
 * bench json-1 json-single`, also with no bytes on the spot); for reads see docs/decisions/0006.
 *
 * The page cache is not always willing: the kernel makes writers wait when too much of it is unwritten, and what is not in
 * it is read from the disk. So the time of slow calls is an account: it fills by 1 % of the time that passes, up to
 * `creditMs`, and while it is overdrawn all calls go to the pool. At most 1 % of the time is spent in waiting, and a bit at
 * once. An account, and not caution after each slow call, for on a busy machine a call also takes long because
 * another process had the processor meanwhile, now and then, and that says nothing about the next.
 *
 * One that is made on the spot lets nobody else run. A chain of reads, each begun by the one before, would hold up the
 * event loop for as long as the chain is: after a while of it in one turn the pool has the next, and the loop turns.
 * Writes make no such chains: what is written next is gathered first.
 */

export interface SpotLimits {
  /** Larger ones leave the event loop to others while they are copied. */
  readonly bytesMax: number
  /** One that took longer was not in memory, or there was no room for it. */
  readonly slowMs: number
  /** Slow calls may take so long together before others go to the pool. */
  readonly creditMs: number
  /** How long after the first one of a turn of the event loop there may be more; default: as long as it takes. */
  readonly turnMs?: number
}

export interface SpotTime {
  /** Never goes back. */
  nowMs(): number
  /** Calls back when the event loop has turned. */
  turned(call: () => void): void
}

/** A slow call is paid when so many times its own time has passed. */
const PAYING_FACTOR = 100

/** One for all files of a disk. */
export class OnTheSpot {
  readonly #limits: SpotLimits
  readonly #time: SpotTime
  /** When all slow calls will be paid. */
  #paidMs = Number.NEGATIVE_INFINITY
  /** Infinite in a turn without a call. */
  #turnEndMs = Number.POSITIVE_INFINITY

  constructor(limits: SpotLimits, time: SpotTime) {
    this.#limits = limits
    this.#time = time
  }

  /** True where so many bytes may be written or read on the spot. */
  suits(bytes: number): boolean {
    if (bytes > this.#limits.bytesMax) return false
    const nowMs = this.#time.nowMs()
    const isOverdrawn = this.#paidMs - nowMs > PAYING_FACTOR * this.#limits.creditMs
    return !isOverdrawn && nowMs < this.#turnEndMs
  }

  /** Makes a call on the spot and learns from how long it took. Throws what it throws. */
  run<T>(call: () => T): T {
    const begunMs = this.#time.nowMs()
    const { turnMs } = this.#limits
    if (turnMs !== undefined && this.#turnEndMs === Number.POSITIVE_INFINITY) {
      this.#beginTurn(begunMs + turnMs)
    }
    try {
      return call()
    } finally {
      const endMs = this.#time.nowMs()
      const tookMs = endMs - begunMs
      if (tookMs > this.#limits.slowMs) {
        this.#paidMs = Math.max(this.#paidMs, endMs) + PAYING_FACTOR * tookMs
      }
    }
  }

  #beginTurn(endMs: number): void {
    this.#turnEndMs = endMs
    this.#time.turned(() => {
      this.#turnEndMs = Number.POSITIVE_INFINITY
    })
  }
}
