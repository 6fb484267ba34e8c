/**
 * Where a timer stands in the wheel, by its tick and the present one. A tick is dueMs / 10, rounded down.
 *
 *   level 0   256 slots of 10 ms        the 2.56 s that hold the wheel's present tick
 *   level 1    64 slots of 2.56 s       the 163.84 s that hold it
 *   level 2    64 slots of 163.84 s     the 2.91 h that hold it
 *   level 3    64 slots of 2.91 h       round and round: 7.76 days
 *
 * A timer stands in the lowest level whose present round holds its tick, in the slot that the tick's bits name.
 *
 *   bits of a tick   … | 25–20 level 3 | 19–14 level 2 | 13–8 level 1 | 7–0 level 0
 *   present tick 0x0000ff: tick 0x000100 stands in level 1, slot 1, until the present is 0x000100
 */
import type { Head, TimerLists } from './timerLists.ts'

/** Length of one slot of the lowest level, in milliseconds. */
export const WHEEL_TICK_MS = 10
/** The highest level. */
export const TOP = 3
/** Lists that the slots of all levels take, the first at 0. */
export const SLOT_LISTS = 448
const LEVEL_0_BITS = 8
const LEVEL_BITS = 6
const SLOTS = 1 << LEVEL_BITS
/** Where in a tick the bits of each level begin, and at which list its slots begin. */
const SHIFT = [0, 8, 14, 20] as const
const FIRST_SLOT = [0, 256, 320, 384] as const

/** How far ahead a timer finds a slot of its own, in milliseconds: 7.76 days. Those beyond wait in the last slot. */
export const WHEEL_SPAN_MS = WHEEL_TICK_MS * SLOTS * 2 ** SHIFT[TOP]

export interface Slot {
  readonly level: number
  readonly head: Head
  /** The tick at which it begins. */
  readonly tick: number
}

export const tickOf = (timeMs: number): number => Math.floor(timeMs / WHEEL_TICK_MS)

/** The lowest level whose round at the `present` tick holds `tick`, which is not before it. */
export function levelOf(tick: number, present: number): number {
  if (tick - present < 2 ** SHIFT[TOP]) {
    const bits = ((tick >>> 0) ^ (present >>> 0)) >>> 0
    if (bits < 2 ** SHIFT[1]) return 0
    if (bits < 2 ** SHIFT[2]) return 1
    if (bits < 2 ** SHIFT[3]) return 2
  }
  return TOP
}

/** The slot of a tick in the level that {@link levelOf} says. */
export const slotIn = (level: number, tick: number, present: number): Head =>
  level < TOP ? slotOf(level, tick) : topSlotOf(tick, present)

/** The last slot of the round where the tick lies beyond it: the timer is placed anew when that slot is entered. */
function topSlotOf(tick: number, present: number): Head {
  const ahead = Math.min(topTurn(tick) - topTurn(present), SLOTS - 1)
  const first = slotOf(TOP, present) - FIRST_SLOT[TOP]
  return FIRST_SLOT[TOP] + ((first + ahead) & (SLOTS - 1))
}

/** The occupied slot that comes first, from the present one on. */
export function nextOccupied<T>(lists: TimerLists<T>, present: number): Slot | undefined {
  for (let level = 0; level < TOP; level += 1) {
    const first = FIRST_SLOT[level] as Head
    const head = lists.firstOccupied(slotOf(level, present), FIRST_SLOT[level + 1] as Head)
    if (head === undefined) continue
    const shift = SHIFT[level] as number
    const round = 2 ** (SHIFT[level + 1] as number)
    const tick = Math.floor(present / round) * round + (head - first) * 2 ** shift
    return { level, head, tick }
  }
  return nextTopSlot(lists, present)
}

function nextTopSlot<T>(lists: TimerLists<T>, present: number): Slot | undefined {
  const here = slotOf(TOP, present)
  const head =
    lists.firstOccupied(here, FIRST_SLOT[TOP] + SLOTS) ?? lists.firstOccupied(FIRST_SLOT[TOP], here)
  if (head === undefined) return undefined
  const ahead = (head - here + SLOTS) & (SLOTS - 1)
  return { level: TOP, head, tick: (topTurn(present) + ahead) * 2 ** SHIFT[TOP] }
}

/** How many slots of the top level lie before that tick. */
const topTurn = (tick: number): number => Math.floor(tick / 2 ** SHIFT[TOP])

/** Of the level's round that holds the tick. */
export const slotOf = (level: number, tick: number): Head => {
  const bits = level === 0 ? LEVEL_0_BITS : LEVEL_BITS
  const slot = ((tick >>> 0) >>> (SHIFT[level] as number)) & ((1 << bits) - 1)
  return (FIRST_SLOT[level] as number) + slot
}
