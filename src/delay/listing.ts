/**
 * The next so many waiting messages by their times, over all partitions of a topic: a scan of the open pages that keeps
 * the least `limit` entries in a heap and leaves out every page whose least due time comes behind them. A million
 * entries take a few milliseconds; the scan stops for others in between.
 */
import type { Clock } from '../kernel/platform.ts'
import type { IndexPage } from './indexPage.ts'
import { isOpen } from './states.ts'
import type { DelayedPlace, ListPlace, ListQuery } from './types.ts'

const STEP_MS = 2

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
  const least = new Least(limit)
  const leastMs = Math.max(fromMs, after?.dueMs ?? 0)
  let endMs = clock.monotonicMs() + STEP_MS
  for (const { partition, page } of candidates) {
    if (page.minDueMs >= toMs || page.minDueMs > least.worstMs) break
    scan(page, { partition, leastMs, toMs, after, least })
    if (clock.monotonicMs() < endMs) continue
    await new Promise((resolve) => setImmediate(resolve))
    endMs = clock.monotonicMs() + STEP_MS
  }
  return least.sorted()
}

interface Scan {
  readonly partition: number
  readonly leastMs: number
  readonly toMs: number
  readonly after: ListPlace | undefined
  readonly least: Least
}

function scan(page: IndexPage, { partition, leastMs, toMs, after, least }: Scan): void {
  const { states, dueMs, base } = page
  let worstMs = Math.min(least.worstMs, toMs)
  for (let i = 0; i < states.length; i += 1) {
    const due = dueMs[i] as number
    if (due > worstMs || due < leastMs || !isOpen(states[i] as number) || due >= toMs) continue
    const offset = base + i
    if (after !== undefined && due === after.dueMs && !isBehind({ partition, offset }, after)) {
      continue
    }
    least.offer({ dueMs: due, partition, offset })
    worstMs = Math.min(least.worstMs, toMs)
  }
}

const isBehind = (place: DelayedPlace, after: DelayedPlace): boolean =>
  place.partition > after.partition ||
  (place.partition === after.partition && place.offset > after.offset)

function compare(a: ListPlace, b: ListPlace): number {
  return a.dueMs - b.dueMs || a.partition - b.partition || a.offset - b.offset
}

/** The least so many of what it is offered: a binary heap with the greatest on top. */
class Least {
  readonly #limit: number
  readonly #heap: ListPlace[] = []
  /** Later ones are not among them. */
  worstMs = Number.POSITIVE_INFINITY

  constructor(limit: number) {
    this.#limit = limit
  }

  offer(place: ListPlace): void {
    const heap = this.#heap
    if (heap.length < this.#limit) {
      heap.push(place)
      this.#up(heap.length - 1)
    } else {
      if (compare(place, heap[0] as ListPlace) >= 0) return
      heap[0] = place
      this.#down()
    }
    if (heap.length === this.#limit) this.worstMs = (heap[0] as ListPlace).dueMs
  }

  sorted(): readonly ListPlace[] {
    return this.#heap.sort(compare)
  }

  #up(from: number): void {
    const heap = this.#heap
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1
      if (compare(heap[at] as ListPlace, heap[parent] as ListPlace) <= 0) return
      this.#swap(at, parent)
      at = parent
    }
  }

  #down(): void {
    const heap = this.#heap
    for (let at = 0; ; ) {
      let top = at
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && compare(heap[child] as ListPlace, heap[top] as ListPlace) > 0) {
          top = child
        }
      }
      if (top === at) return
      this.#swap(at, top)
      at = top
    }
  }

  #swap(a: number, b: number): void {
    const heap = this.#heap
    const place = heap[a] as ListPlace
    heap[a] = heap[b] as ListPlace
    heap[b] = place
  }
}
