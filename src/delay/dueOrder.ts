/**
 * The open entries of a page by their due times. A list that knows it looks at what it shows and little else: of a million
 * messages in any order the first hundred cost as much as looking at each page once, not at each entry.
 *
 * Made when a full page is listed, forgotten when one of its due times changes; what became final since then stands in it
 * until whoever reads it passes it over. 2 bytes an entry.
 */
import { isOpen } from './states.ts'

/** As much of a page as is looked at. */
export interface Times {
  readonly dueMs: Float64Array
  readonly states: Uint8Array
}

/** Due times that lie further apart than this (70 years) have no room beside the entry's place in a safe integer. */
const SPREAD_MS_MAX = 2 ** 41
const PLACES = 2 ** 12

/**
 * Places of the open entries, ascending by their due time and then by place; undefined where those lie too far apart.
 * One number for each, as numbers sort five times as fast as with a comparison of our own. O(n log n).
 */
export function orderByDue({ dueMs, states }: Times): Uint16Array | undefined {
  let [least, most] = [Number.POSITIVE_INFINITY, 0]
  const places: number[] = []
  for (let i = 0; i < states.length; i += 1) {
    if (!isOpen(states[i] as number)) continue
    const at = dueMs[i] as number
    if (at < least) least = at
    if (at > most) most = at
    places.push(i)
  }
  if (most - least >= SPREAD_MS_MAX) return undefined
  const keys = Float64Array.from(places, (i) => ((dueMs[i] as number) - least) * PLACES + i).sort()
  return Uint16Array.from(keys, (key) => key % PLACES)
}

/** Where in `order` the first entry stands that is due at `atMs` or later. O(log n). */
export function firstDue(order: Uint16Array, dueMs: Float64Array, atMs: number): number {
  let [low, high] = [0, order.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((dueMs[order[middle] as number] as number) < atMs) low = middle + 1
    else high = middle
  }
  return low
}
