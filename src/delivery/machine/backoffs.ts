/** Waiting runs by the time from which they are handed out again, on a timer wheel. */
import { type TimerId, TimerWheel } from '../../timing/index.ts'
import type { Run } from './run.ts'

export class Backoffs {
  readonly #wheel = new TimerWheel<Run>()

  get size(): number {
    return this.#wheel.size
  }

  add(run: Run): void {
    run.place = this.#wheel.add(run.dueMs, run)
  }

  remove(run: Run): void {
    this.#wheel.cancel(run.place as TimerId)
    run.place = -1
  }

  /** Hands over the runs that are due at `nowMs`, taken out. */
  ripen(nowMs: number, ripened: (run: Run) => void): void {
    if (this.#wheel.size === 0) return
    this.#wheel.advance(nowMs, Number.MAX_SAFE_INTEGER, (run) => {
      run.place = -1
      ripened(run)
    })
  }

  /** When to ask again at the latest; undefined where none waits. */
  nextDueMs(): number | undefined {
    return this.#wheel.nextDueMs()
  }
}
