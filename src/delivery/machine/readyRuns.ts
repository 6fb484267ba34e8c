/**
 * Waiting runs whose time has come, by lane: a retry stays in the lane of its record. Most windows have none, and of
 * those that have most know one lane: lists are made when they are needed.
 */
import type { Run } from './run.ts'

const NONE: readonly Run[] = []

export class ReadyRuns {
  #byLane: (Run[] | undefined)[] | undefined
  /** The lanes that hold any, as bits. */
  lanes = 0

  get isEmpty(): boolean {
    return this.lanes === 0
  }

  /** Ascending. */
  in(lane: number): readonly Run[] {
    return this.#byLane?.[lane] ?? NONE
  }

  /** The least offset of all; undefined where there are none. */
  get first(): number | undefined {
    if (this.lanes === 0) return undefined
    let first: number | undefined
    for (const runs of this.#byLane ?? NONE_BY_LANE) {
      const from = runs?.[0]?.from
      if (from !== undefined && (first === undefined || from < first)) first = from
    }
    return first
  }

  /** How many records, all lanes together. */
  get records(): number {
    if (this.lanes === 0) return 0
    let records = 0
    for (const runs of this.#byLane ?? NONE_BY_LANE) {
      for (const { size } of runs ?? NONE) records += size
    }
    return records
  }

  add(run: Run): void {
    this.#byLane ??= []
    const { lane } = run
    const runs = this.#byLane[lane]
    if (runs === undefined) this.#byLane[lane] = [run]
    else insert(runs, run)
    this.lanes |= 1 << lane
  }

  remove(run: Run): void {
    const runs = this.#byLane?.[run.lane]
    if (runs === undefined) return
    if (runs[0] === run) runs.shift()
    else runs.splice(placeIn(runs, run.from), 1)
    if (runs.length === 0) this.lanes &= ~(1 << run.lane)
  }
}

const NONE_BY_LANE: readonly (readonly Run[] | undefined)[] = []

function placeIn(runs: readonly Run[], from: number): number {
  let [low, high] = [0, runs.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((runs[middle] as Run).from < from) low = middle + 1
    else high = middle
  }
  return low
}

function insert(runs: Run[], run: Run): void {
  const last = runs.at(-1)
  if (last === undefined || last.from < run.from) runs.push(run)
  else runs.splice(placeIn(runs, run.from), 0, run)
}
