/** The offsets of a run between whose records others lie. The list is shared by the runs that were one. */
export class Members {
  readonly #offsets: Float64Array
  readonly #begin: number
  readonly #end: number

  constructor(offsets: Float64Array, begin = 0, end = offsets.length) {
    this.#offsets = offsets
    this.#begin = begin
    this.#end = end
  }

  get size(): number {
    return this.#end - this.#begin
  }

  get first(): number {
    return this.#offsets[this.#begin] as number
  }

  get last(): number {
    return this.#offsets[this.#end - 1] as number
  }

  at(index: number): number {
    return this.#offsets[this.#begin + index] as number
  }

  /** How many of them are below `offset`. */
  countBelow(offset: number): number {
    const offsets = this.#offsets
    let [low, high] = [this.#begin, this.#end]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((offsets[middle] as number) < offset) low = middle + 1
      else high = middle
    }
    return low - this.#begin
  }

  has(offset: number): boolean {
    const index = this.countBelow(offset)
    return index < this.size && this.at(index) === offset
  }

  /** From and to by turns, neighbours in one. */
  ranges(): number[] {
    const ranges: number[] = []
    for (let i = this.#begin; i < this.#end; i += 1) {
      const offset = this.#offsets[i] as number
      if (ranges.at(-1) === offset) ranges[ranges.length - 1] = offset + 1
      else ranges.push(offset, offset + 1)
    }
    return ranges
  }

  /** Those from the one at `begin` to the one before `end`. */
  slice(begin: number, end: number): Members {
    return new Members(this.#offsets, this.#begin + begin, this.#begin + end)
  }
}

/** The members of ranges, from and to by turns. */
export function membersOf(ranges: readonly number[], size: number): Members {
  const offsets = new Float64Array(size)
  let at = 0
  for (let i = 0; i < ranges.length; i += 2) {
    const to = ranges[i + 1] as number
    for (let offset = ranges[i] as number; offset < to; offset += 1) {
      offsets[at] = offset
      at += 1
    }
  }
  return new Members(offsets)
}
