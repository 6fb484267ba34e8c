/** Lets work through, until it is stopped: then nothing goes on, and what comes waits. */
export class Turnstile {
  #inside = 0
  #isStopped = false
  #waiting: (() => void)[] = []
  #whenEmpty: (() => void) | undefined

  async pass<T>(work: () => Promise<T>): Promise<T> {
    while (this.#isStopped) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#inside += 1
    try {
      return await work()
    } finally {
      this.#inside -= 1
      if (this.#inside === 0) this.#whenEmpty?.()
    }
  }

  /** Resolves when nothing is under way any more; from this call on nothing begins. One at a time. */
  async stop(): Promise<void> {
    this.#isStopped = true
    if (this.#inside === 0) return
    await new Promise<void>((resolve) => {
      this.#whenEmpty = resolve
    })
    this.#whenEmpty = undefined
  }

  go(): void {
    this.#isStopped = false
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }
}
