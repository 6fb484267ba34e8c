/** How long records waited from their append to their first hand-out, and how many were handed out, by lane. */
import { SECOND_MS } from '../../kernel/units.ts'
import { LANES } from '../../scheduling/index.ts'

/** Upper bounds in ms: 0.5 ms to 2.3 h in steps of 4, enough to tell "at once" from "later" and "much later". */
const WAIT_BOUNDS_MS: readonly number[] = Array.from({ length: 13 }, (_, i) => 4 ** i / 2)
const WAIT_BOUNDS_SECONDS = WAIT_BOUNDS_MS.map((ms) => ms / SECOND_MS)

export class LaneWaits {
  /** Of each lane how many waited no longer than each bound; the last beyond all of them. */
  readonly counts = Array.from({ length: LANES }, () => new Float64Array(WAIT_BOUNDS_MS.length + 1))
  readonly sumsMs = new Float64Array(LANES)
  /** First hand-outs. */
  readonly totals = new Float64Array(LANES)
  /** All hand-outs, retries too. */
  readonly served = new Float64Array(LANES)

  waited(lane: number, waitMs: number, count: number): void {
    const counts = this.counts[lane] as Float64Array
    let bucket = 0
    while (bucket < WAIT_BOUNDS_MS.length && waitMs > (WAIT_BOUNDS_MS[bucket] as number))
      bucket += 1
    counts[bucket] = (counts[bucket] as number) + count
    this.sumsMs[lane] = (this.sumsMs[lane] as number) + waitMs * count
    this.totals[lane] = (this.totals[lane] as number) + count
  }

  /** The mean in ms; 0 where nothing was handed out. */
  averageMs(lane: number): number {
    const total = this.totals[lane] as number
    return total === 0 ? 0 : (this.sumsMs[lane] as number) / total
  }

  figures(lane: number): { bounds: readonly number[]; counts: Float64Array; sum: number } {
    return {
      bounds: WAIT_BOUNDS_SECONDS,
      counts: this.counts[lane] as Float64Array,
      sum: (this.sumsMs[lane] as number) / SECOND_MS,
    }
  }
}
