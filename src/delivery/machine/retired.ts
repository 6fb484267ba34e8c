/**
 * Of settled records that were handed out more than once: how often, for a while; a dead letter counts as one more. It
 * tells a worker who comes too late that somebody else has settled the record, or that it was given up. Of others there
 * was one lease only, and nothing to tell apart.
 */
import type { RunId } from './run.ts'
import type { RunTable } from './runTable.ts'

const RETIRED_MAX = 1_000

export class Retired {
  /** Offset to hand-outs; the one settled longest ago first. */
  readonly #deliveries = new Map<number, number>()

  /** `isDead`: it was given up, by no lease of its own. */
  retire(table: RunTable, run: RunId, isDead: boolean): void {
    const deliveries = table.deliveries(run) + (isDead ? 1 : 0)
    if (deliveries <= 1) return
    if (table.members(run) === undefined) {
      this.#add(table.from[run] as number, table.to[run] as number, deliveries)
      return
    }
    const count = table.count[run] as number
    for (let i = Math.max(0, count - RETIRED_MAX); i < count; i += 1) {
      const offset = table.offsetAt(run, i)
      this.#add(offset, offset + 1, deliveries)
    }
  }

  /** The records of the range that were handed out again after their hand-out number `deliveries`, as far as is known. */
  handedOutAfter(deliveries: number, from: number, to: number): number[] {
    const offsets: number[] = []
    if (to - from <= this.#deliveries.size) {
      for (let offset = from; offset < to; offset += 1) {
        if ((this.#deliveries.get(offset) ?? 0) > deliveries) offsets.push(offset)
      }
      return offsets
    }
    for (const [offset, handedOut] of this.#deliveries) {
      if (offset >= from && offset < to && handedOut > deliveries) offsets.push(offset)
    }
    return offsets.sort((a, b) => a - b)
  }

  get isEmpty(): boolean {
    return this.#deliveries.size === 0
  }

  /** Offset and hand-outs by turns. */
  flat(): number[] {
    return [...this.#deliveries].flat()
  }

  restore(flat: readonly number[]): void {
    for (let i = 0; i + 1 < flat.length; i += 2) {
      this.#deliveries.set(flat[i] as number, flat[i + 1] as number)
    }
  }

  /** Forgets what is not below `end`. */
  shorten(end: number): void {
    for (const offset of this.#deliveries.keys()) if (offset >= end) this.#deliveries.delete(offset)
  }

  clear(): void {
    this.#deliveries.clear()
  }

  #add(from: number, to: number, deliveries: number): void {
    for (let offset = Math.max(from, to - RETIRED_MAX); offset < to; offset += 1) {
      this.#deliveries.set(offset, deliveries)
    }
    if (this.#deliveries.size <= RETIRED_MAX) return
    for (const offset of this.#deliveries.keys()) {
      this.#deliveries.delete(offset)
      if (this.#deliveries.size <= RETIRED_MAX) return
    }
  }
}
