/**
 * How far a window has handed out: of each lane everything below its cursor. The five are one until something urgent
 * overtakes, and again when the others have caught up.
 */
export class Cursors {
  /** The least of the five: below it everything was handed out. */
  least: number
  #each: readonly number[] | undefined

  constructor(start: number) {
    this.least = start
  }

  /** Of each lane; undefined while all five are the same. */
  get each(): readonly number[] | undefined {
    return this.#each
  }

  of(lane: number): number {
    return this.#each === undefined ? this.least : (this.#each[lane] as number)
  }

  /** From here on nothing was handed out. */
  get end(): number {
    return this.#each === undefined ? this.least : Math.max(...this.#each)
  }

  /** All five go on at `cursor`, or each at its own. */
  moveTo(cursor: number | readonly number[]): void {
    if (typeof cursor === 'number') {
      this.least = cursor
      this.#each = undefined
      return
    }
    const least = Math.min(...cursor)
    this.least = least
    this.#each = cursor.every((each) => each === least) ? undefined : cursor
  }

  /** None is below `start` any more. */
  raise(start: number): void {
    if (this.#each === undefined) this.least = Math.max(this.least, start)
    else this.moveTo(this.#each.map((each) => Math.max(each, start)))
  }

  /** None is beyond `end` any more. */
  lower(end: number): void {
    if (this.#each === undefined) this.least = Math.min(this.least, end)
    else this.moveTo(this.#each.map((each) => Math.min(each, end)))
  }
}
