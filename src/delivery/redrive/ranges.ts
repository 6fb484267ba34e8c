/** A set of offsets as ascending ranges that do not touch: flat, from and to (the first that is not in it) by turns. */
export class OffsetRanges {
  readonly #flat: number[]

  constructor(flat: readonly number[] = []) {
    this.#flat = [...flat]
  }

  /** How many offsets. */
  get size(): number {
    let size = 0
    for (let i = 0; i < this.#flat.length; i += 2) {
      size += (this.#flat[i + 1] as number) - (this.#flat[i] as number)
    }
    return size
  }

  has(offset: number): boolean {
    // An odd number of borders at or below it: it is inside.
    return this.#bordersUpTo(offset) % 2 === 1
  }

  add(offset: number): void {
    const flat = this.#flat
    const at = this.#bordersUpTo(offset)
    if (at % 2 === 1) return
    const touchesBefore = at > 0 && flat[at - 1] === offset
    const touchesAfter = flat[at] === offset + 1
    if (touchesBefore && touchesAfter) flat.splice(at - 1, 2)
    else if (touchesBefore) flat[at - 1] = offset + 1
    else if (touchesAfter) flat[at] = offset
    else flat.splice(at, 0, offset, offset + 1)
  }

  flat(): readonly number[] {
    return this.#flat
  }

  #bordersUpTo(offset: number): number {
    let [low, high] = [0, this.#flat.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#flat[middle] as number) <= offset) low = middle + 1
      else high = middle
    }
    return low
  }
}
