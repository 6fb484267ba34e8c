/** The runs of one window and lane in ascending order. No two of them overlap. */
import type { RunId } from './run.ts'
import type { RunTable } from './runTable.ts'

export class LaneRuns {
  readonly #table: RunTable
  readonly #runs: RunId[] = []

  constructor(table: RunTable) {
    this.#table = table
  }

  get length(): number {
    return this.#runs.length
  }

  /** The runs themselves, to be looked at. */
  get all(): readonly RunId[] {
    return this.#runs
  }

  at(place: number): RunId | undefined {
    return this.#runs[place]
  }

  /** The place of the run that `offset` lies in, or of the first behind it. */
  placeOf(offset: number): number {
    const { to } = this.#table
    const runs = this.#runs
    let [low, high] = [0, runs.length]
    // What is settled is mostly in front, what is new behind.
    if (high > 0 && (to[runs[0] as RunId] as number) > offset) return 0
    while (low < high) {
      const middle = (low + high) >> 1
      if ((to[runs[middle] as RunId] as number) > offset) high = middle
      else low = middle + 1
    }
    return low
  }

  add(run: RunId): void {
    const { from, to } = this.#table
    const last = this.#runs.at(-1)
    const first = from[run] as number
    if (last === undefined || (to[last] as number) <= first) this.#runs.push(run)
    else this.#runs.splice(this.placeOf(first), 0, run)
  }

  /** Sees to it that a run begins at `offset`, or behind it. Returns the run that was cut off. */
  cut(offset: number): readonly [RunId, RunId] | undefined {
    const at = this.placeOf(offset)
    const run = this.#runs[at]
    if (run === undefined || (this.#table.from[run] as number) >= offset) return undefined
    const rest = this.#table.cut(run, offset)
    this.#runs.splice(at + 1, 0, rest)
    return [run, rest]
  }

  /** Takes out those from place `begin` to before `end`. */
  takeOut(begin: number, end: number): void {
    if (begin === 0 && end === 1) this.#runs.shift()
    else if (end > begin) this.#runs.splice(begin, end - begin)
  }
}
