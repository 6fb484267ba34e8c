/** Syncs logs that nobody waits for, soon: one timer for all logs of an engine, none while nothing is dirty. */
import type { Clock, Timer } from '../../kernel/platform.ts'

export interface Flushable {
  /** Syncs what was written and writes out what then may be; answers errors itself. */
  flush(): Promise<void>
}

/** Syncs under way at once: more would keep reads and writes out of the thread pool. */
const CONCURRENCY = 4

export class Flusher {
  readonly #clock: Clock
  readonly #intervalMs: number
  readonly #dirty = new Set<Flushable>()
  #timer: Timer | undefined
  #running: Promise<void> = Promise.resolve()

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock
    this.#intervalMs = intervalMs
  }

  /** Flushes `log` within the interval. */
  mark(log: Flushable): void {
    this.#dirty.add(log)
    this.#timer ??= this.#clock.setTimer(this.#intervalMs, () => {
      this.#timer = undefined
      // A flush that takes longer than the interval is not joined by a second one.
      const due = [...this.#dirty]
      this.#dirty.clear()
      this.#running = this.#running.then(() => flushAll(due))
    })
  }

  unmark(log: Flushable): void {
    this.#dirty.delete(log)
  }

  /** Resolves when the flush under way, if any, is over; starts none afterwards. */
  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.#dirty.clear()
    await this.#running
  }
}

async function flushAll(logs: readonly Flushable[]): Promise<void> {
  let next = 0
  const work = async (): Promise<void> => {
    while (next < logs.length) {
      const log = logs[next]
      next += 1
      await log?.flush()
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, work))
}
