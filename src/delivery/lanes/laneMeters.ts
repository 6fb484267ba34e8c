/**
 * How fast records come into each lane of a partition and are handed out of it, over all groups: a mean that forgets
 * what is more than some ten seconds ago. O(1) for each append and each hand-out.
 */
import { NORMAL_PRIORITY } from '../../kernel/priority.ts'
import { SECOND_MS } from '../../kernel/units.ts'
import { LANES } from '../../scheduling/index.ts'
import type { AppendListener } from '../../topics/index.ts'

/** After this time a burst counts for a third of what it was. */
const MEMORY_MS = 10 * SECOND_MS

const NONE: readonly number[] = new Array<number>(LANES).fill(0)

/** Events a second, by lane. */
export class LaneRates {
  readonly #perSecond = new Float64Array(LANES)
  readonly #atMs = new Float64Array(LANES)
  #isUsed = false

  add(lane: number, count: number, nowMs: number): void {
    this.#perSecond[lane] = this.at(lane, nowMs) + count / (MEMORY_MS / SECOND_MS)
    this.#atMs[lane] = nowMs
    this.#isUsed = true
  }

  /** Of each lane; the same list of zeros where nothing came lately. */
  all(nowMs: number): readonly number[] {
    if (!this.#isUsed) return NONE
    const rates = NONE.slice()
    for (let lane = 0; lane < LANES; lane += 1) rates[lane] = this.at(lane, nowMs)
    return rates
  }

  at(lane: number, nowMs: number): number {
    const perSecond = this.#perSecond[lane] as number
    if (perSecond === 0) return 0
    const agoMs = nowMs - (this.#atMs[lane] as number)
    return agoMs <= 0 ? perSecond : perSecond * Math.exp(-agoMs / MEMORY_MS)
  }
}

export class LaneMeters {
  readonly enqueued = new LaneRates()
  readonly dequeued = new LaneRates()
  /** Wall time of the last hand-out by lane; 0 for never. */
  readonly lastServedMs = new Float64Array(LANES)
  /** Places that count here. */
  places = 0
  stopListening: () => void = () => undefined

  appended(count: number, counts: Parameters<AppendListener>[2], nowMs: number): void {
    if (counts === undefined) {
      this.enqueued.add(NORMAL_PRIORITY, count, nowMs)
      return
    }
    for (const [lane, each] of counts.entries()) if (each > 0) this.enqueued.add(lane, each, nowMs)
  }

  served(lane: number, count: number, nowMs: number, wallMs: number): void {
    this.dequeued.add(lane, count, nowMs)
    this.lastServedMs[lane] = wallMs
  }
}
