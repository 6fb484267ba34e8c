/**
 * Runs a timer wheel by a clock: one timer of the clock, set while the wheel holds anything and for no longer.
 *
 * Due times are wall times. A timer fires within a millisecond or two of its time where the machine is idle, and never
 * before. The wall clock may step: ahead is seen within a second (the driver looks that often), back is seen as soon,
 * and timers wait until the time comes again. Where much is due at once, a turn fires what it may, and the next turn
 * comes by a timer of 0 ms, so that other work gets its share in between.
 */
import type { Clock, Timer } from '../kernel/platform.ts'
import { SECOND_MS } from '../kernel/units.ts'
import type { TimerId } from './timerLists.ts'
import { TimerWheel } from './wheel.ts'

/** Longest time between two looks at the wall clock while the wheel holds anything, in milliseconds. */
const LOOK_MS = 1 * SECOND_MS
/** A wall clock that is behind by less is waited for. */
const REWIND_MS = 100
/** Timers fired between two looks at the time that the turn has taken. */
const FIRED_PER_LOOK = 32

export interface WheelDriverOptions<T> {
  readonly clock: Clock
  /** Called once per timer, in a turn of the driver. May add and cancel. What it throws is thrown out of the turn. */
  readonly fire: (payload: T, dueMs: number) => void
  /** Timers fired in one turn, at most. Default 1,000. */
  readonly firesPerTurnMax?: number
  /** Milliseconds that one turn may take before it leaves the rest to the next one. Default 2. */
  readonly turnMsMax?: number
}

export class WheelDriver<T> {
  readonly #wheel: TimerWheel<T>
  readonly #clock: Clock
  readonly #fire: (payload: T, dueMs: number) => void
  readonly #firesMax: number
  readonly #turnMsMax: number
  #timer: Timer | undefined
  /** The wall time for which the timer is set. */
  #wakeMs = Number.POSITIVE_INFINITY
  #inTurn = false
  #stopped = false

  constructor({ clock, fire, firesPerTurnMax = 1_000, turnMsMax = 2 }: WheelDriverOptions<T>) {
    this.#wheel = new TimerWheel<T>(clock.nowMs())
    this.#clock = clock
    this.#fire = fire
    this.#firesMax = firesPerTurnMax
    this.#turnMsMax = turnMsMax
  }

  get size(): number {
    return this.#wheel.size
  }

  /** Timers by level of the wheel. */
  levels(): readonly number[] {
    return this.#wheel.levels()
  }

  /**
   * A timer for the wall time `dueMs`; one that is past due fires in a turn of its own soon, never within this call.
   * After {@link stop} it is kept and never fires. O(1).
   */
  add(dueMs: number, payload: T): TimerId {
    if (this.#wheel.size === 0) this.#catchUp()
    const id = this.#wheel.add(dueMs, payload)
    if (!this.#inTurn && dueMs < this.#wakeMs) this.#arm()
    return id
  }

  /** Takes a timer out: it will not fire. Undefined: it has fired or was cancelled. O(1). */
  cancel(id: TimerId): T | undefined {
    const payload = this.#wheel.cancel(id)
    if (this.#wheel.size === 0) this.#disarm()
    return payload
  }

  /** Forgets every timer and fires none any more. */
  stop(): void {
    this.#stopped = true
    this.#disarm()
    this.#wheel.clear()
  }

  #turn(): void {
    this.#timer = undefined
    this.#wakeMs = Number.POSITIVE_INFINITY
    this.#inTurn = true
    try {
      this.#drain()
    } finally {
      this.#inTurn = false
      this.#arm()
    }
  }

  #drain(): void {
    const nowMs = this.#catchUp()
    if (nowMs < this.#wheel.nowMs) return
    const endMs = this.#clock.monotonicMs() + this.#turnMsMax
    let left = this.#firesMax
    do {
      left -= this.#wheel.advance(nowMs, Math.min(left, FIRED_PER_LOOK), this.#fire)
      const nextMs = this.#wheel.nextDueMs()
      if (nextMs === undefined || nextMs > nowMs) return
    } while (left > 0 && this.#clock.monotonicMs() < endMs)
  }

  /** Brings the wheel to the wall clock's time where that needs no work or the clock was set back; that time. */
  #catchUp(): number {
    const nowMs = this.#clock.nowMs()
    if (nowMs < this.#wheel.nowMs - REWIND_MS) this.#wheel.rewind(nowMs)
    if (this.#wheel.size === 0) this.#wheel.advance(nowMs, 0, this.#fire)
    return nowMs
  }

  #arm(): void {
    const nextMs = this.#wheel.nextDueMs()
    this.#disarm()
    if (nextMs === undefined || this.#stopped) return
    const nowMs = this.#clock.nowMs()
    const behindMs = Math.max(0, this.#wheel.nowMs - nowMs)
    const delayMs = Math.min(Math.max(Math.ceil(nextMs - nowMs), Math.ceil(behindMs)), LOOK_MS)
    this.#wakeMs = nowMs + delayMs
    this.#timer = this.#clock.setTimer(delayMs, () => this.#turn())
  }

  #disarm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#wakeMs = Number.POSITIVE_INFINITY
  }
}
