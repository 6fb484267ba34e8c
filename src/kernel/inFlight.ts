import type { Clock } from './platform.ts'

/** Counts what is under way, so that closing can wait for it. */
export class InFlight {
  #count = 0
  #idle: (() => void)[] = []

  get count(): number {
    return this.#count
  }

  enter(): void {
    this.#count += 1
  }

  leave(): void {
    this.#count -= 1
    if (this.#count > 0 || this.#idle.length === 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** Resolves once nothing is under way. */
  idle(): Promise<void> {
    if (this.#count === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  /** Resolves with true once nothing is under way, with false when `timeoutMs` have passed before. */
  idleWithin(clock: Clock, timeoutMs: number): Promise<boolean> {
    if (this.#count === 0) return Promise.resolve(true)
    return new Promise((resolve) => {
      const timer = clock.setTimer(timeoutMs, () => resolve(false))
      this.#idle.push(() => {
        timer.cancel()
        resolve(true)
      })
    })
  }
}
