/**
 * Runs by the time at which they are due: a binary heap in which each run knows its place, so that one that is
 * settled leaves at once. O(log n) to enter and leave, O(1) to see the next.
 */
import type { Run } from './run.ts'

export class DueHeap {
  readonly #runs: Run[] = []

  get size(): number {
    return this.#runs.length
  }

  /** The one that is due first. */
  peek(): Run | undefined {
    return this.#runs[0]
  }

  add(run: Run): void {
    this.#runs.push(run)
    this.#up(this.#runs.length - 1, run)
  }

  remove(run: Run): void {
    const at = run.place
    run.place = -1
    const last = this.#runs.pop()
    if (last === undefined || last === run) return
    this.#put(at, last)
    this.#settle(at, last)
  }

  /** To be called when its time has changed. */
  moved(run: Run): void {
    this.#settle(run.place, run)
  }

  clear(): void {
    for (const run of this.#runs.splice(0)) run.place = -1
  }

  /** Up to `max` runs that are due at `nowMs`, in no order; they stay. */
  due(nowMs: number, max: number): Run[] {
    const found: Run[] = []
    const places = [0]
    for (let at = places.pop(); at !== undefined && found.length < max; at = places.pop()) {
      const run = this.#runs[at]
      if (run === undefined || run.dueMs > nowMs) continue
      found.push(run)
      places.push(2 * at + 1, 2 * at + 2)
    }
    return found
  }

  #settle(at: number, run: Run): void {
    this.#up(at, run)
    this.#down(run.place, run)
  }

  #up(start: number, run: Run): void {
    let at = start
    while (at > 0) {
      const parentAt = (at - 1) >> 1
      const parent = this.#runs[parentAt] as Run
      if (parent.dueMs <= run.dueMs) break
      this.#put(at, parent)
      at = parentAt
    }
    this.#put(at, run)
  }

  #down(start: number, run: Run): void {
    const runs = this.#runs
    let at = start
    for (;;) {
      let childAt = 2 * at + 1
      let child = runs[childAt]
      if (child === undefined) break
      const right = runs[childAt + 1]
      if (right !== undefined && right.dueMs < child.dueMs) {
        childAt += 1
        child = right
      }
      if (child.dueMs >= run.dueMs) break
      this.#put(at, child)
      at = childAt
    }
    this.#put(at, run)
  }

  #put(at: number, run: Run): void {
    this.#runs[at] = run
    run.place = at
  }
}
