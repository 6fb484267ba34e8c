/**
 * Hierarchical timer wheel: a timer enters, leaves and fires in O(1), however many there are. Pure: time comes in by
 * `advance`, and nothing happens between two calls.
 *
 *   level 0   256 slots of 10 ms        the 2.56 s that hold the wheel's present tick
 *   level 1    64 slots of 2.56 s       the 163.84 s that hold it
 *   level 2    64 slots of 163.84 s     the 2.91 h that hold it
 *   level 3    64 slots of 2.91 h       round and round: 7.76 days
 *
 * A tick is dueMs / 10, rounded down. A timer stands in the lowest level whose present round holds its tick, in the
 * slot that the tick's bits name. When the present enters a slot of a higher level, the slot's timers move down
 * ("cascade"): each timer moves at most three times.
 *
 *   bits of a tick   … | 25–20 level 3 | 19–14 level 2 | 13–8 level 1 | 7–0 level 0
 *   present tick 0x0000ff: tick 0x000100 stands in level 1, slot 1, until the present is 0x000100
 *
 * A timer never fires early: a slot that lies in the past fires whole, the present one timer by timer. Timers fire by
 * the order of their ticks; within a tick of 10 ms in no order. What one call may not fire for its `max` stays due.
 * Empty slots cost nothing, however far time jumps: the next occupied one is found by a bitmap.
 */
import { invariant } from '../kernel/invariant.ts'
import { type Head, type Node, type TimerId, TimerLists } from './timerLists.ts'

/** Length of one slot of the lowest level, in milliseconds. */
export const WHEEL_TICK_MS = 10
const LEVEL_0_BITS = 8
const LEVEL_BITS = 6
/** The highest level. */
const TOP = 3
const SLOTS = 1 << LEVEL_BITS
/** Where in a tick the bits of each level begin, and at which list its slots begin. */
const SHIFT = [0, 8, 14, 20] as const
const FIRST_SLOT = [0, 256, 320, 384] as const
const DUE: Head = 448
/** Timers of the present tick that were looked at and are not due yet. */
const LATER: Head = 449
const LISTS = 450
/** Timers that a call may move for each one that it may fire: 1,000 fired are 16,000 moved, half a millisecond. */
const MOVES_PER_FIRED = 16

/** How far ahead a timer finds a slot of its own, in milliseconds: 7.76 days. Those beyond wait in the last slot. */
export const WHEEL_SPAN_MS = WHEEL_TICK_MS * SLOTS * 2 ** SHIFT[TOP]

interface Slot {
  readonly level: number
  readonly head: Head
  /** The tick at which it begins. */
  readonly tick: number
}

export class TimerWheel<T> {
  readonly #lists = new TimerLists<T>(LISTS)
  readonly #counts = [0, 0, 0, 0]
  #nowMs: number
  /** The present. Every timer of an earlier tick is in the list of those due. */
  #tick: number
  /** At most the least due time in the slot of the present tick, and in the list of those looked at. */
  #presentDueMs = Number.POSITIVE_INFINITY
  #laterDueMs = Number.POSITIVE_INFINITY
  /** The slot whose timers a call had not the budget to move down altogether: nothing goes on before they have moved. */
  #unfinished: Slot | undefined

  /** `nowMs`: the time from which the wheel runs; the first `advance` may jump as far as it likes. */
  constructor(nowMs = 0) {
    this.#nowMs = nowMs
    this.#tick = tickOf(nowMs)
  }

  /** The greatest time that `advance` was told. */
  get nowMs(): number {
    return this.#nowMs
  }

  get size(): number {
    return this.#lists.size
  }

  /** Timers by level; those that are due and have not fired count for level 0. */
  levels(): readonly number[] {
    return this.#counts.slice()
  }

  /**
   * A timer that fires in the first `advance` whose time is `dueMs` or later; one that is past due fires in the next
   * call, behind those that are due already. `dueMs`: any finite number; beyond {@link WHEEL_SPAN_MS} it is right
   * too, but such timers had better wait elsewhere, since they take memory here for all that time. O(1).
   */
  add(dueMs: number, payload: T): TimerId {
    invariant(Number.isFinite(dueMs), `not a time: ${dueMs}`)
    const node = this.#lists.take(dueMs, payload)
    this.#enter(node, dueMs)
    return this.#lists.idOf(node)
  }

  /** Takes a timer out, also while others fire: it will not fire. Undefined: it has fired or was cancelled. O(1). */
  cancel(id: TimerId): T | undefined {
    const node = this.#lists.find(id)
    return node === undefined ? undefined : this.#release(node)
  }

  /**
   * Time is `nowMs` now: fires timers whose `dueMs` is not above it, at most `max` of them, and says how many. There
   * is more to fire, or to move down, while {@link nextDueMs} is not above `nowMs`. `fire` may add and cancel; what it adds
   * past due fires in the same call where `max` allows. What `fire` throws is thrown on; its timer is gone, the others wait
   * for the next call. A time that is not above an earlier one moves nothing; below it, nothing fires either (see
   * {@link rewind}).
   */
  advance(nowMs: number, max: number, fire: (payload: T, dueMs: number) => void): number {
    if (nowMs < this.#nowMs) return 0
    this.#nowMs = nowMs
    let moves = max * MOVES_PER_FIRED
    let fired = 0
    for (;;) {
      fired += this.#fireDue(max - fired, fire)
      if (fired >= max && this.size > 0) return fired
      const moved = this.#step(moves)
      if (moved === undefined) return fired + this.#fireDue(max - fired, fire)
      moves -= moved
      if (moves <= 0) return fired + this.#fireDue(max - fired, fire)
    }
  }

  /**
   * Time was set back to `nowMs`: timers are placed anew, so that they fire when time comes to them again. O(n).
   * A time that is not below the wheel's does nothing.
   */
  rewind(nowMs: number): void {
    if (nowMs >= this.#nowMs) return
    const nodes: Node[] = []
    for (let head = 0; head < LISTS; head += 1) {
      for (let at = this.#lists.first(head); at !== undefined; at = this.#lists.after(at)) {
        nodes.push(at)
      }
    }
    for (const node of nodes) this.#unlink(node)
    this.#nowMs = nowMs
    this.#tick = tickOf(nowMs)
    this.#presentDueMs = Number.POSITIVE_INFINITY
    this.#laterDueMs = Number.POSITIVE_INFINITY
    this.#unfinished = undefined
    for (const node of nodes) this.#enter(node, this.#lists.dueMs(node))
  }

  /**
   * The time at which `advance` should be called next: where something is due already, a time that the wheel has
   * reached; else not above the least due time. Undefined where there is no timer. O(1).
   */
  nextDueMs(): number | undefined {
    const due = this.#lists.first(DUE)
    if (due !== undefined) return this.#lists.dueMs(due)
    const slot = this.#nextSlot()
    const isPresent = slot?.level === 0 && slot.tick === this.#tick
    const slotMs = slot === undefined ? Number.POSITIVE_INFINITY : slot.tick * WHEEL_TICK_MS
    const nextMs = Math.min(isPresent ? this.#presentDueMs : slotMs, this.#laterMs())
    return nextMs === Number.POSITIVE_INFINITY ? undefined : nextMs
  }

  /** Forgets every timer; the ids given so far name none. */
  clear(): void {
    this.#lists.clear()
    this.#counts.fill(0)
    this.#presentDueMs = Number.POSITIVE_INFINITY
    this.#laterDueMs = Number.POSITIVE_INFINITY
    this.#unfinished = undefined
  }

  /** At most the least due time of those that were put aside. */
  #laterMs(): number {
    return this.#lists.first(LATER) === undefined ? Number.POSITIVE_INFINITY : this.#laterDueMs
  }

  #fireDue(max: number, fire: (payload: T, dueMs: number) => void): number {
    let fired = 0
    while (fired < max) {
      const node = this.#lists.first(DUE)
      if (node === undefined) break
      const dueMs = this.#lists.dueMs(node)
      fired += 1
      fire(this.#release(node), dueMs)
    }
    return fired
  }

  /**
   * Moves the present to the next occupied slot and that slot's timers on, at most about `max` of them: how many.
   * Undefined: nothing lies between the present and the wheel's time any more, and the present is there.
   */
  #step(max: number): number | undefined {
    const nowTick = tickOf(this.#nowMs)
    if (nowTick > this.#tick || this.#laterDueMs <= this.#nowMs) this.#lookAgain(nowTick)
    const slot = this.#nextSlot()
    if (slot === undefined || slot.tick > nowTick) {
      this.#moveTo(nowTick, Number.POSITIVE_INFINITY)
      return undefined
    }
    if (slot.level > 0) {
      this.#moveTo(slot.tick, Number.POSITIVE_INFINITY)
      return this.#cascade(slot, max)
    }
    this.#moveTo(slot.tick, slot.tick * WHEEL_TICK_MS)
    if (slot.tick === nowTick) return this.#sift(slot.head, max)
    this.#lists.splice(slot.head, DUE)
    return 1
  }

  #moveTo(tick: number, presentDueMs: number): void {
    if (tick === this.#tick) return
    this.#tick = tick
    this.#presentDueMs = presentDueMs
  }

  #cascade(slot: Slot, max: number): number {
    let moved = 0
    let node = this.#lists.first(slot.head)
    for (; node !== undefined && moved < max; moved += 1) {
      this.#unlink(node)
      this.#place(node, this.#lists.dueMs(node))
      node = this.#lists.first(slot.head)
    }
    this.#unfinished = node === undefined ? undefined : slot
    return moved
  }

  /** Those of the present tick that were not due when they were looked at: all of them are, or some may be. */
  #lookAgain(nowTick: number): void {
    this.#laterDueMs = Number.POSITIVE_INFINITY
    if (nowTick > this.#tick) {
      this.#lists.splice(LATER, DUE)
      return
    }
    this.#lists.splice(LATER, slotOf(0, this.#tick))
    this.#presentDueMs = Math.min(this.#presentDueMs, this.#nowMs)
  }

  /** Takes out of the present slot what is due, and puts aside what is not; undefined where nothing is due. */
  #sift(head: Head, max: number): number | undefined {
    if (this.#presentDueMs > this.#nowMs) return undefined
    let seen = 0
    let node = this.#lists.first(head)
    for (; node !== undefined && seen < max; seen += 1) {
      const dueMs = this.#lists.dueMs(node)
      this.#lists.unlink(node)
      if (dueMs <= this.#nowMs) {
        this.#lists.append(DUE, node, 0)
      } else {
        this.#lists.append(LATER, node, 0)
        this.#laterDueMs = Math.min(this.#laterDueMs, dueMs)
      }
      node = this.#lists.first(head)
    }
    if (node === undefined) this.#presentDueMs = Number.POSITIVE_INFINITY
    return seen
  }

  #enter(node: Node, dueMs: number): void {
    if (dueMs <= this.#nowMs) this.#put(DUE, node, 0)
    else this.#place(node, dueMs)
  }

  /** Into the slot of its tick, which is not before the present. */
  #place(node: Node, dueMs: number): void {
    const tick = tickOf(dueMs)
    const level = this.#levelOf(tick)
    if (level === 0 && tick === this.#tick) {
      this.#presentDueMs = Math.min(this.#presentDueMs, dueMs)
    }
    this.#put(level < TOP ? slotOf(level, tick) : this.#topSlotOf(tick), node, level)
  }

  /** The last slot of the round where the tick lies beyond it: the timer is placed anew when that slot is entered. */
  #topSlotOf(tick: number): Head {
    const ahead = Math.min(topTurn(tick) - topTurn(this.#tick), SLOTS - 1)
    const present = slotOf(TOP, this.#tick) - FIRST_SLOT[TOP]
    return FIRST_SLOT[TOP] + ((present + ahead) & (SLOTS - 1))
  }

  /** The lowest level whose present round holds that tick. */
  #levelOf(tick: number): number {
    const apart = tick - this.#tick
    if (apart < 2 ** SHIFT[TOP]) {
      const bits = ((tick >>> 0) ^ (this.#tick >>> 0)) >>> 0
      if (bits < 2 ** SHIFT[1]) return 0
      if (bits < 2 ** SHIFT[2]) return 1
      if (bits < 2 ** SHIFT[3]) return 2
    }
    return TOP
  }

  #put(head: Head, node: Node, level: number): void {
    this.#lists.append(head, node, level)
    this.#counts[level] = (this.#counts[level] as number) + 1
  }

  #unlink(node: Node): void {
    const level = this.#lists.level(node)
    this.#counts[level] = (this.#counts[level] as number) - 1
    this.#lists.unlink(node)
  }

  #release(node: Node): T {
    const level = this.#lists.level(node)
    this.#counts[level] = (this.#counts[level] as number) - 1
    return this.#lists.release(node)
  }

  /** The occupied slot that comes first. */
  #nextSlot(): Slot | undefined {
    const unfinished = this.#unfinished
    if (unfinished && this.#lists.first(unfinished.head) !== undefined) return unfinished
    for (let level = 0; level < TOP; level += 1) {
      const first = FIRST_SLOT[level] as Head
      const head = this.#lists.firstOccupied(
        slotOf(level, this.#tick),
        FIRST_SLOT[level + 1] as Head,
      )
      if (head === undefined) continue
      const shift = SHIFT[level] as number
      const round = 2 ** (SHIFT[level + 1] as number)
      const tick = Math.floor(this.#tick / round) * round + (head - first) * 2 ** shift
      return { level, head, tick }
    }
    return this.#nextTopSlot()
  }

  #nextTopSlot(): Slot | undefined {
    const present = slotOf(TOP, this.#tick)
    const head =
      this.#lists.firstOccupied(present, FIRST_SLOT[TOP] + SLOTS) ??
      this.#lists.firstOccupied(FIRST_SLOT[TOP], present)
    if (head === undefined) return undefined
    const ahead = (head - present + SLOTS) & (SLOTS - 1)
    return { level: TOP, head, tick: (topTurn(this.#tick) + ahead) * 2 ** SHIFT[TOP] }
  }
}

const tickOf = (timeMs: number): number => Math.floor(timeMs / WHEEL_TICK_MS)

/** How many slots of the top level lie before that tick. */
const topTurn = (tick: number): number => Math.floor(tick / 2 ** SHIFT[TOP])

const slotOf = (level: number, tick: number): Head => {
  const bits = level === 0 ? LEVEL_0_BITS : LEVEL_BITS
  const slot = ((tick >>> 0) >>> (SHIFT[level] as number)) & ((1 << bits) - 1)
  return (FIRST_SLOT[level] as number) + slot
}
