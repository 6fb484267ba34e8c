/**
 * How late messages were, in milliseconds: buckets of 1 ms up to 64, from there on 32 to each doubling, so that a
 * quantile is right within 3 %. Bounded, and O(1) to note.
 */
const EXACT = 64
const PER_DOUBLING = 32
const DOUBLINGS = 30

export interface LatenessView {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** Bounds in seconds of the histogram that is shown to Prometheus. */
const BOUNDS_MS = [1, 2, 5, 10, 15, 25, 50, 100, 250, 500, 1_000, 5_000, 30_000, 300_000, 3_600_000]

export class Lateness {
  readonly #buckets = new Float64Array(EXACT + DOUBLINGS * PER_DOUBLING)
  #count = 0
  #maxMs = 0
  readonly bounds: readonly number[] = BOUNDS_MS.map((ms) => ms / 1000)
  /** By bound, not cumulative; the last is for what exceeds every bound. */
  readonly counts = new Float64Array(BOUNDS_MS.length + 1)
  /** Seconds. */
  sum = 0

  note(latenessMs: number): void {
    const ms = Math.max(0, latenessMs)
    const bucket = bucketOf(ms)
    this.#buckets[bucket] = (this.#buckets[bucket] as number) + 1
    this.#count += 1
    if (ms > this.#maxMs) this.#maxMs = ms
    this.sum += ms / 1000
    let bound = 0
    while (bound < BOUNDS_MS.length && ms > (BOUNDS_MS[bound] as number)) bound += 1
    this.counts[bound] = (this.counts[bound] as number) + 1
  }

  view(): LatenessView {
    return { p50Ms: this.#quantile(0.5), p99Ms: this.#quantile(0.99), maxMs: this.#maxMs }
  }

  #quantile(share: number): number {
    let left = Math.ceil(this.#count * share)
    for (let bucket = 0; bucket < this.#buckets.length && left > 0; bucket += 1) {
      left -= this.#buckets[bucket] as number
      if (left <= 0) return Math.min(upperOf(bucket), this.#maxMs)
    }
    return 0
  }
}

function bucketOf(ms: number): number {
  if (ms < EXACT) return Math.floor(ms)
  const doubling = Math.floor(Math.log2(ms / EXACT))
  if (doubling >= DOUBLINGS) return EXACT + DOUBLINGS * PER_DOUBLING - 1
  const within = Math.floor((ms / (EXACT * 2 ** doubling) - 1) * PER_DOUBLING)
  return EXACT + doubling * PER_DOUBLING + within
}

/** The greatest whole millisecond that falls into the bucket. */
function upperOf(bucket: number): number {
  if (bucket < EXACT) return bucket
  const doubling = Math.floor((bucket - EXACT) / PER_DOUBLING)
  const within = (bucket - EXACT) % PER_DOUBLING
  return Math.ceil(EXACT * 2 ** doubling * (1 + (within + 1) / PER_DOUBLING)) - 1
}
