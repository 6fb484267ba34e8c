/**
 * Waiting runs whose time has come, by lane: a retry stays in the lane of its record. Most windows have none, and of
 * those that have most know one lane: lists are made when they are needed.
 */
import type { RunId } from './run.ts'
import type { RunTable } from './runTable.ts'

const NONE: readonly RunId[] = []

export class ReadyRuns {
  readonly #table: RunTable
  #byLane: (RunId[] | undefined)[] | undefined
  /** The lanes that hold any, as bits. */
  lanes = 0

  constructor(table: RunTable) {
    this.#table = table
  }

  get isEmpty(): boolean {
    return this.lanes === 0
  }

  /** Ascending. */
  in(lane: number): readonly RunId[] {
    return this.#byLane?.[lane] ?? NONE
  }

  /** The least offset of all; undefined where there are none. */
  get first(): number | undefined {
    if (this.lanes === 0) return undefined
    let first: number | undefined
    for (const [run] of this.#lists()) {
      const from = run === undefined ? undefined : (this.#table.from[run] as number)
      if (from !== undefined && (first === undefined || from < first)) first = from
    }
    return first
  }

  /** How many records, all lanes together. */
  get records(): number {
    if (this.lanes === 0) return 0
    let records = 0
    for (const runs of this.#lists()) {
      for (const run of runs) records += this.#table.count[run] as number
    }
    return records
  }

  add(run: RunId): void {
    this.#byLane ??= []
    const lane = this.#table.lane(run)
    const runs = this.#byLane[lane]
    if (runs === undefined) this.#byLane[lane] = [run]
    else this.#insert(runs, run)
    this.lanes |= 1 << lane
  }

  remove(run: RunId): void {
    const lane = this.#table.lane(run)
    const runs = this.#byLane?.[lane]
    if (runs === undefined) return
    if (runs[0] === run) runs.shift()
    else runs.splice(this.#placeIn(runs, this.#table.from[run] as number), 1)
    if (runs.length === 0) this.lanes &= ~(1 << lane)
  }

  *#lists(): Generator<readonly RunId[]> {
    for (const runs of this.#byLane ?? []) if (runs !== undefined) yield runs
  }

  #insert(runs: RunId[], run: RunId): void {
    const { from } = this.#table
    const first = from[run] as number
    const last = runs.at(-1)
    if (last === undefined || (from[last] as number) < first) runs.push(run)
    else runs.splice(this.#placeIn(runs, first), 0, run)
  }

  #placeIn(runs: readonly RunId[], offset: number): number {
    const { from } = this.#table
    let [low, high] = [0, runs.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((from[runs[middle] as RunId] as number) < offset) low = middle + 1
      else high = middle
    }
    return low
  }
}
