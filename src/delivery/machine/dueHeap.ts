/**
 * Runs by the time at which they are due: a binary heap in which each run knows its place, so that one that is
 * settled leaves at once. O(log n) to enter and leave, O(1) to see the next.
 */
import type { RunId } from './run.ts'
import type { RunTable } from './runTable.ts'

export class DueHeap {
  readonly #table: RunTable
  readonly #runs: RunId[] = []

  constructor(table: RunTable) {
    this.#table = table
  }

  get size(): number {
    return this.#runs.length
  }

  /** When the first is due; undefined where there is none. */
  get firstMs(): number | undefined {
    const first = this.#runs[0]
    return first === undefined ? undefined : this.#table.dueMs[first]
  }

  add(run: RunId): void {
    this.#runs.push(run)
    this.#up(this.#runs.length - 1, run)
  }

  remove(run: RunId): void {
    const { place } = this.#table
    const at = place[run] as number
    place[run] = -1
    const last = this.#runs.pop()
    if (last === undefined || last === run) return
    this.#put(at, last)
    this.#up(at, last)
    this.#down(place[last] as number, last)
  }

  /** Up to `max` runs that are due at `nowMs`, in no order; they stay. */
  due(nowMs: number, max: number): RunId[] {
    const { dueMs } = this.#table
    const found: RunId[] = []
    const places = [0]
    for (let at = places.pop(); at !== undefined && found.length < max; at = places.pop()) {
      const run = this.#runs[at]
      if (run === undefined || (dueMs[run] as number) > nowMs) continue
      found.push(run)
      places.push(2 * at + 1, 2 * at + 2)
    }
    return found
  }

  #up(start: number, run: RunId): void {
    const { dueMs } = this.#table
    const ownMs = dueMs[run] as number
    let at = start
    while (at > 0) {
      const parentAt = (at - 1) >> 1
      const parent = this.#runs[parentAt] as RunId
      if ((dueMs[parent] as number) <= ownMs) break
      this.#put(at, parent)
      at = parentAt
    }
    this.#put(at, run)
  }

  #down(start: number, run: RunId): void {
    const runs = this.#runs
    const { dueMs } = this.#table
    const ownMs = dueMs[run] as number
    let at = start
    for (;;) {
      let childAt = 2 * at + 1
      let child = runs[childAt]
      if (child === undefined) break
      const right = runs[childAt + 1]
      if (right !== undefined && (dueMs[right] as number) < (dueMs[child] as number)) {
        childAt += 1
        child = right
      }
      if ((dueMs[child] as number) >= ownMs) break
      this.#put(at, child)
      at = childAt
    }
    this.#put(at, run)
  }

  #put(at: number, run: RunId): void {
    this.#runs[at] = run
    this.#table.place[run] = at
  }
}
