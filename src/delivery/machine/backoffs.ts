/** Waiting runs by the time from which they are handed out again, on a timer wheel. */
import { type TimerId, TimerWheel } from '../../timing/index.ts'
import type { RunId } from './run.ts'
import type { RunTable } from './runTable.ts'

export class Backoffs {
  readonly #table: RunTable
  readonly #wheel = new TimerWheel<RunId>()

  constructor(table: RunTable) {
    this.#table = table
  }

  get size(): number {
    return this.#wheel.size
  }

  add(run: RunId): void {
    this.#table.place[run] = this.#wheel.add(this.#table.dueMs[run] as number, run)
  }

  remove(run: RunId): void {
    this.#wheel.cancel(this.#table.place[run] as TimerId)
    this.#table.place[run] = -1
  }

  /** Hands over the runs that are due at `nowMs`, taken out. */
  ripen(nowMs: number, ripened: (run: RunId) => void): void {
    if (this.#wheel.size === 0) return
    this.#wheel.advance(nowMs, Number.MAX_SAFE_INTEGER, (run) => {
      this.#table.place[run] = -1
      ripened(run)
    })
  }

  /** When to ask again at the latest; undefined where none waits. */
  nextDueMs(): number | undefined {
    return this.#wheel.nextDueMs()
  }
}
