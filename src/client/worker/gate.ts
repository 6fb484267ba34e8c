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
}
