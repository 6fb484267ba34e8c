/**
 * The least due time of each 16 neighbours of a page, so that whoever looks for the soonest ones skips the rest:
 * with a million entries in any order, a list of the first 100 reads a quarter of them. Lower bounds: an entry that
 * leaves does not raise its block's.
 */
const BLOCK_SHIFT = 4

export const BLOCK_ENTRIES = 1 << BLOCK_SHIFT

export class BlockMinima {
  readonly #minima: Float64Array

  constructor(entries: number) {
    this.#minima = new Float64Array(Math.ceil(entries / BLOCK_ENTRIES))
    this.clear()
  }

  clear(): void {
    this.#minima.fill(Number.POSITIVE_INFINITY)
  }

  /** Entry `i` of the page is due then. */
  lower(i: number, dueMs: number): void {
    const block = i >> BLOCK_SHIFT
    if (dueMs < (this.#minima[block] as number)) this.#minima[block] = dueMs
  }

  /** No open entry of the block in which `i` lies is due before. */
  of(i: number): number {
    return this.#minima[i >> BLOCK_SHIFT] as number
  }
}
