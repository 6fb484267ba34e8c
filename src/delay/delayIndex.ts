/**
 * The index of one delay log: pages of entries by offset. In memory are the pages that hold an open entry or differ from
 * the disk; a page that is in neither case is on disk alone, and all its entries are final.
 */
import type { DueTimes } from './dueTimes.ts'
import { type EntryFacts, IndexPage, PAGE_ENTRIES, type PageOwner } from './indexPage.ts'
import { type FinalState, isOpen, STATE } from './states.ts'

/** Messages by what became of them, since the log was made. */
export interface EntryCounts {
  delivered: number
  cancelled: number
  expired: number
}

const COUNTER = {
  [STATE.DELIVERED]: 'delivered',
  [STATE.CANCELLED]: 'cancelled',
  [STATE.EXPIRED]: 'expired',
} as const satisfies Record<FinalState, keyof EntryCounts>

const pageNumber = (offset: number): number => Math.floor(offset / PAGE_ENTRIES)

export class DelayIndex {
  readonly #owner: PageOwner
  readonly #pages = new Map<number, IndexPage>()
  readonly counts: EntryCounts = { delivered: 0, cancelled: 0, expired: 0 }
  #open = 0
  /** Delays asked for, of all that were pending since the start: for the mean. */
  delaySumMs = 0
  delayCount = 0
  /** Entries added or settled since the last {@link DelayIndex.saved}. */
  changes = 0

  constructor(owner: PageOwner) {
    this.#owner = owner
  }

  /** Messages that are neither delivered nor given up. */
  get open(): number {
    return this.#open
  }

  pages(): Iterable<IndexPage> {
    return this.#pages.values()
  }

  /** Undefined: it is not in memory, and has no open entry. */
  page(offset: number): IndexPage | undefined {
    return this.#pages.get(pageNumber(offset))
  }

  /** STATE.NONE also for what is not in memory. */
  state(offset: number): number {
    return this.page(offset)?.state(offset % PAGE_ENTRIES) ?? STATE.NONE
  }

  dueMs(offset: number): number {
    return this.page(offset)?.dueMs[offset % PAGE_ENTRIES] ?? Number.NaN
  }

  /** It has no key. False also for what is not in memory. */
  isKeyless(offset: number): boolean {
    return this.page(offset)?.keyless[offset % PAGE_ENTRIES] === 1
  }

  /** A new message. Nothing where it is known already. */
  add(offset: number, facts: EntryFacts): void {
    const page = this.#pageFor(pageNumber(offset))
    const i = offset % PAGE_ENTRIES
    if (page.state(i) !== STATE.NONE) return
    page.add(i, facts)
    this.changes += 1
    this.#opened(facts)
  }

  /** New messages from `base` on, none of them known yet; told page by page of the entries they are. */
  addRun(
    base: number,
    times: DueTimes,
    publishedMs: number,
    added: (page: IndexPage, from: number, to: number) => void,
  ): void {
    const count = times.dueMs.length
    for (let from = 0; from < count; ) {
      const page = this.#pageFor(pageNumber(base + from))
      const i = (base + from) % PAGE_ENTRIES
      const to = Math.min(count, from + PAGE_ENTRIES - i)
      page.addRun(i, times, { from, to, publishedMs })
      added(page, i, i + to - from)
      from = to
    }
    this.#open += count
    this.changes += count
    this.delayCount += count
    for (const dueMs of times.dueMs) this.delaySumMs += Math.max(0, dueMs - publishedMs)
  }

  setState(offset: number, state: number): void {
    this.page(offset)?.setState(offset % PAGE_ENTRIES, state)
  }

  /** Ends an open entry; false where there is none. */
  settle(offset: number, state: FinalState): boolean {
    const page = this.page(offset)
    const i = offset % PAGE_ENTRIES
    if (page === undefined || !isOpen(page.state(i))) return false
    page.setState(i, state)
    this.counts[COUNTER[state]] += 1
    this.#open -= 1
    this.changes += 1
    return true
  }

  /** Another time for an open entry. */
  setDue(offset: number, dueMs: number): void {
    const page = this.page(offset)
    const i = offset % PAGE_ENTRIES
    if (page === undefined || !isOpen(page.state(i))) return
    page.setDue(i, dueMs)
    this.changes += 1
  }

  /** A page as it lay on disk; entries from `end` on are left out. */
  load(number: number, bytes: Buffer, end: number): void {
    const page = this.#pageFor(number)
    page.decode(bytes, end)
    for (let i = 0; i < page.states.length; i += 1) {
      if (page.states[i] !== STATE.PENDING) continue
      this.#opened({
        dueMs: page.dueMs[i] as number,
        publishedMs: page.publishedMs[i] as number,
      })
    }
  }

  /** Lets go of the pages below `covered` that are final and on disk. */
  dropFinal(covered: number): void {
    for (const [number, page] of this.#pages) {
      const isWhole = page.base + PAGE_ENTRIES <= covered
      if (isWhole && page.open === 0 && !page.dirty && page.timerCount === 0) {
        this.#pages.delete(number)
      }
    }
  }

  /** The least offset of an open entry; undefined where there is none. O(pages). */
  firstOpen(): number | undefined {
    let first: IndexPage | undefined
    for (const page of this.#pages.values()) {
      if (page.open > 0 && (first === undefined || page.number < first.number)) first = page
    }
    return first && first.base + first.states.findIndex(isOpen)
  }

  /** No open entry is due before. O(pages). */
  minDueMs(): number {
    let min = Number.POSITIVE_INFINITY
    for (const page of this.#pages.values()) {
      if (page.open > 0 && page.minDueMs < min) min = page.minDueMs
    }
    return min
  }

  #opened({ dueMs, publishedMs }: Pick<EntryFacts, 'dueMs' | 'publishedMs'>): void {
    this.#open += 1
    this.delaySumMs += Math.max(0, dueMs - publishedMs)
    this.delayCount += 1
  }

  #pageFor(number: number): IndexPage {
    const known = this.#pages.get(number)
    if (known !== undefined) return known
    const page = new IndexPage(this.#owner, number)
    this.#pages.set(number, page)
    return page
  }
}
