/**
 * Appends whose records the index does not know yet. Everything below {@link InFlightAppends.covered} is known: no
 * append that is under way can have got an offset below the end that the log had when it began.
 */
export class InFlightAppends {
  /** In the order of their beginning, so that the first has the least. */
  readonly #from = new Set<{ readonly from: number }>()
  #unknownFrom = Number.POSITIVE_INFINITY

  /** `next`: the log's, of now. Returns what to call when it has ended: whether the index knows what became of it. */
  begin(next: number): (isKnown: boolean) => void {
    const append = { from: next }
    this.#from.add(append)
    return (isKnown) => {
      this.#from.delete(append)
      if (!isKnown) this.#unknownFrom = Math.min(this.#unknownFrom, next)
    }
  }

  covered(next: number): number {
    const [first] = this.#from
    return Math.min(first?.from ?? next, this.#unknownFrom)
  }
}
