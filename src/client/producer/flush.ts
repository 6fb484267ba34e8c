/** One call of flush(): counts what was accepted before it and is not settled yet. */
export class Flush {
  readonly done: Promise<void>
  #resolve: (() => void) | undefined
  /** The call itself counts until everything has entered. */
  #left = 1

  constructor() {
    this.done = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  enter(): void {
    this.#left += 1
  }

  leave(): void {
    this.#left -= 1
    if (this.#left === 0) this.#resolve?.()
  }
}
