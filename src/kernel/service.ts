/**
 * Something with a life: new -> running -> stopped.
 *
 * start() and stop() may be called in any order, twice, and at once; each settles when its state is reached.
 * A service that was stopped stays stopped. onStop runs only if onStart ran, also when onStart failed half-way.
 */
export abstract class Service {
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined

  protected abstract onStart(): Promise<void>
  protected abstract onStop(): Promise<void>

  /** Resolves when the service is ready; rejects with what went wrong, or at once if it was stopped before. */
  start(): Promise<void> {
    if (this.#stopping !== undefined) return Promise.reject(new Error('the service was stopped'))
    this.#starting ??= this.onStart()
    return this.#starting
  }

  /** Resolves when everything the service held is released. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopOnce()
    return this.#stopping
  }

  async #stopOnce(): Promise<void> {
    if (this.#starting === undefined) return
    await this.#starting.catch(() => undefined)
    await this.onStop()
  }
}
