/** Lets only so many tasks run at once; the others wait in the order in which they came. */
export class Gate {
  readonly #runningMax: number
  #running = 0
  readonly #waiting: (() => void)[] = []

  constructor(runningMax: number) {
    this.#runningMax = runningMax
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#runningMax) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve)
      })
    } else {
      this.#running += 1
    }
    try {
      return await task()
    } finally {
      // The place goes straight to the next one, so that nobody slips in between.
      const next = this.#waiting.shift()
      if (next === undefined) this.#running -= 1
      else next()
    }
  }
}
