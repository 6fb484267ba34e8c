/**
 * Whether files may be removed. While somebody holds them, removals are put off: what they would remove is no longer
 * part of anything, and lies there as it would after a crash.
 */
export class Removals {
  #holders = 0
  #due: (() => Promise<void>)[] = []

  /** True while nothing may be removed. */
  get areHeld(): boolean {
    return this.#holders > 0
  }

  /** Until what it returns is called, nothing is removed. A second call of that does nothing. */
  hold(): () => Promise<void> {
    this.#holders += 1
    let isHeld = true
    return async () => {
      if (!isHeld) return
      isHeld = false
      this.#holders -= 1
      if (this.#holders > 0) return
      const due = this.#due
      this.#due = []
      for (const remove of due) await remove()
    }
  }

  /** Has `remove` called when nothing is held any more; it must not reject. */
  putOff(remove: () => Promise<void>): void {
    this.#due.push(remove)
  }
}
