import type { Clock } from '../../kernel/platform.ts'

/** Where somebody waits until something has changed, and then looks again. */
export class Gate {
  #waiting: (() => void)[] = []

  /** Resolves with the next open(). */
  opened(): Promise<void> {
    return new Promise((resolve) => void this.#waiting.push(resolve))
  }

  open(): void {
    if (this.#waiting.length === 0) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const tell of waiting) tell()
  }

  /** Resolves when `isSo`, or `timeoutMs` milliseconds are over. */
  async within(clock: Clock, timeoutMs: number, isSo: () => boolean): Promise<void> {
    let isOver = false
    const timer = clock.setTimer(timeoutMs, () => {
      isOver = true
      this.open()
    })
    while (!isOver && !isSo()) await this.opened()
    timer.cancel()
  }
}
