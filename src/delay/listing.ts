/**
 * The next so many waiting messages by their times, over all partitions of a topic: the least `limit` entries of the open
 * pages are kept in a heap, and every page is left out whose least due time comes behind them.
 *
 * Full pages are put in order, a few with each list. Of one in order only what belongs into the heap is looked at; the
 * others are scanned but for neighbours whose least due time comes behind, a few milliseconds for a million entries at
 * most. The work stops for others in between.
 */
import type { Clock } from '../kernel/platform.ts'
import { BLOCK_ENTRIES } from './blockMinima.ts'
import { firstDue } from './dueOrder.ts'
import type { IndexPage } from './indexPage.ts'
import { isOpen } from './states.ts'
import type { ListPlace, ListQuery } from './types.ts'

const STEP_MS = 2
/** Pages that one list puts in order: some 0.3 ms each. */
const SORTS_MAX = 8

export interface ListedPages {
  readonly partition: number
  readonly pages: Iterable<IndexPage>
}

interface Candidate {
  readonly partition: number
  readonly page: IndexPage
}

/** Ascending, at most `limit`. */
export async function listPending(
  logs: Iterable<ListedPages>,
  { limit, after, fromMs = 0, toMs = Number.POSITIVE_INFINITY }: ListQuery,
  clock: Clock,
): Promise<readonly ListPlace[]> {
  const candidates: Candidate[] = []
  for (const { partition, pages } of logs) {
    for (const page of pages) if (page.open > 0) candidates.push({ partition, page })
  }
  candidates.sort((a, b) => a.page.minDueMs - b.page.minDueMs)
  const leastMs = Math.max(fromMs, after?.dueMs ?? 0)
  const least = new Least(limit, after, Math.min(toMs - 1, Number.MAX_SAFE_INTEGER))
  const sorting = { left: SORTS_MAX }
  let endMs = clock.monotonicMs() + STEP_MS
  for (const { partition, page } of candidates) {
    if (page.minDueMs > least.worst.dueMs) break
    look(page, { partition, leastMs, least }, sorting)
    if (clock.monotonicMs() < endMs) continue
    await new Promise((resolve) => setImmediate(resolve))
    endMs = clock.monotonicMs() + STEP_MS
  }
  return least.sorted()
}

interface Scan {
  readonly partition: number
  readonly leastMs: number
  readonly least: Least
}

function look(page: IndexPage, scan: Scan, sorting: { left: number }): void {
  if (sorting.left > 0 && page.lacksOrder) {
    page.sort()
    sorting.left -= 1
  }
  if (page.order === undefined) scanPage(page, scan)
  else walkPage(page, page.order, scan)
}

function walkPage(page: IndexPage, order: Uint16Array, { partition, leastMs, least }: Scan): void {
  const { states, dueMs, base } = page
  for (let at = firstDue(order, dueMs, leastMs); at < order.length; at += 1) {
    const i = order[at] as number
    const due = dueMs[i] as number
    if (due > least.worst.dueMs) return
    if (isOpen(states[i] as number)) least.offer({ dueMs: due, partition, offset: base + i })
  }
}

/** One loop in another and all it needs beside it: a call for each few neighbours costs more than to look at them. */
function scanPage(page: IndexPage, { partition, leastMs, least }: Scan): void {
  const { states, dueMs, base, blocks } = page
  let worstMs = least.worst.dueMs
  let reach = reachOf(leastMs, worstMs)
  let middle = leastMs + (worstMs - leastMs) / 2
  for (let from = 0; from < states.length; from += BLOCK_ENTRIES) {
    if (blocks.of(from) > worstMs) continue
    for (let i = from; i < from + BLOCK_ENTRIES; i += 1) {
      const due = dueMs[i] as number
      // One comparison that is almost always true, in place of two that nobody can foretell: three times as fast.
      if (Math.abs(due - middle) > reach) continue
      if (due < leastMs || !isOpen(states[i] as number)) continue
      const place = { dueMs: due, partition, offset: base + i }
      if (!least.offer(place)) continue
      worstMs = least.worst.dueMs
      reach = reachOf(leastMs, worstMs)
      middle = leastMs + (worstMs - leastMs) / 2
    }
  }
}

/** How far either of two times is from their middle, rounded up. */
const reachOf = (fromMs: number, toMs: number): number => Math.ceil((toMs - fromMs) / 2) + 2

function compare(a: ListPlace, b: ListPlace): number {
  return a.dueMs - b.dueMs || a.partition - b.partition || a.offset - b.offset
}

/** The least so many behind `after` of what it is offered: a binary heap with the greatest on top. */
class Least {
  readonly #limit: number
  readonly #after: ListPlace | undefined
  readonly #heap: ListPlace[] = []
  /** Later ones are not among them. */
  worst: ListPlace

  constructor(limit: number, after: ListPlace | undefined, toMs: number) {
    this.#limit = limit
    this.#after = after
    this.worst = { dueMs: toMs, partition: Number.MAX_SAFE_INTEGER, offset: 0 }
  }

  /** True where {@link worst} has changed. */
  offer(place: ListPlace): boolean {
    if (compare(place, this.worst) > 0) return false
    if (this.#after !== undefined && compare(place, this.#after) <= 0) return false
    const heap = this.#heap
    if (heap.length < this.#limit) {
      heap.push(place)
      this.#up(heap.length - 1)
    } else this.#down(place)
    if (heap.length < this.#limit) return false
    this.worst = heap[0] as ListPlace
    return true
  }

  sorted(): readonly ListPlace[] {
    return this.#heap.sort(compare)
  }

  #up(from: number): void {
    const heap = this.#heap
    const place = heap[from] as ListPlace
    let at = from
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (compare(place, heap[parent] as ListPlace) <= 0) break
      heap[at] = heap[parent] as ListPlace
      at = parent
    }
    heap[at] = place
  }

  /** Puts `place` in the stead of the greatest. */
  #down(place: ListPlace): void {
    const heap = this.#heap
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      const right = heap[child + 1]
      if (right !== undefined && compare(right, heap[child] as ListPlace) > 0) child += 1
      if (compare(place, heap[child] as ListPlace) >= 0) break
      heap[at] = heap[child] as ListPlace
      at = child
    }
    heap[at] = place
  }
}
