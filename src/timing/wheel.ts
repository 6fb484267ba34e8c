/**
 * Hierarchical timer wheel: a timer enters, leaves and fires in O(1), however many there are. Pure: time comes in by
 * `advance`, and nothing happens between two calls.
 *
 * Four levels of slots, each slot as long as all of the level below; see wheelSlots.ts. When the present enters a slot
 * of a higher level, the slot's timers move down ("cascade"): each timer moves at most three times.
 *
 * A timer never fires early: a slot that lies in the past fires whole, the present one timer by timer. Timers fire by
 * the order of their ticks; within a tick of 10 ms in no order. What one call may not fire for its `max` stays due.
 * Empty slots cost nothing, however far time jumps: the next occupied one is found by a bitmap.
 */
import { invariant } from '../kernel/invariant.ts'
import { type Head, type Node, type TimerId, TimerLists } from './timerLists.ts'
import {
  levelOf,
  nextOccupied,
  SLOT_LISTS,
  type Slot,
  slotIn,
  slotOf,
  tickOf,
  WHEEL_TICK_MS,
} from './wheelSlots.ts'

const DUE: Head = SLOT_LISTS
/** Timers of the present tick that were looked at and are not due yet. */
const LATER: Head = SLOT_LISTS + 1
const LISTS = SLOT_LISTS + 2
/** Timers that a call may move for each one that it may fire: 1,000 fired are 16,000 moved, half a millisecond. */
const MOVES_PER_FIRED = 16

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
    const level = levelOf(tick, this.#tick)
    if (level === 0 && tick === this.#tick) {
      this.#presentDueMs = Math.min(this.#presentDueMs, dueMs)
    }
    this.#put(slotIn(level, tick, this.#tick), node, level)
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
    return nextOccupied(this.#lists, this.#tick)
  }
}
