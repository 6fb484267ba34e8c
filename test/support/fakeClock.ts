/**
 * A clock that stands still until a test moves it. Timers fire inside `advance`, in the order of their due
 * times (equal ones in the order they were set), each seeing the time it was due at.
 */
import type { Clock, Timer } from '../../src/kernel/platform.ts'

interface FakeTimer {
  readonly dueMs: number
  readonly order: number
  readonly fire: () => void
}

/** 2026-01-01T00:00:00Z: where the wall clock starts unless told otherwise. */
export const FAKE_START_MS = Date.UTC(2026, 0, 1)

export class FakeClock implements Clock {
  #wallMs: number
  #monotonicMs = 0
  #order = 0
  readonly #timers = new Set<FakeTimer>()
  /** Timers that fired since the clock was made. */
  firedTimers = 0

  constructor(startMs: number = FAKE_START_MS) {
    this.#wallMs = startMs
  }

  /** Timers set and neither fired nor cancelled. */
  get pendingTimers(): number {
    return this.#timers.size
  }

  nowMs(): number {
    return this.#wallMs
  }

  monotonicMs(): number {
    return this.#monotonicMs
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    const timer: FakeTimer = {
      dueMs: this.#monotonicMs + Math.max(0, delayMs),
      order: this.#order++,
      fire,
    }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }

  /** Lets `ms` milliseconds pass on both clocks and fires what falls due, also what the fired ones set. */
  advance(ms: number): void {
    const endMs = this.#monotonicMs + ms
    for (let timer = this.#nextDue(endMs); timer; timer = this.#nextDue(endMs)) {
      this.#timers.delete(timer)
      this.#moveTo(timer.dueMs)
      this.firedTimers += 1
      timer.fire()
    }
    this.#moveTo(endMs)
  }

  /** Sets the wall clock alone, as an operator or NTP would; timers do not notice. */
  stepWallTo(wallMs: number): void {
    this.#wallMs = wallMs
  }

  #nextDue(endMs: number): FakeTimer | undefined {
    let next: FakeTimer | undefined
    for (const timer of this.#timers) {
      if (timer.dueMs > endMs) continue
      if (next === undefined || isBefore(timer, next)) next = timer
    }
    return next
  }

  #moveTo(monotonicMs: number): void {
    this.#wallMs += monotonicMs - this.#monotonicMs
    this.#monotonicMs = monotonicMs
  }
}

const isBefore = (a: FakeTimer, b: FakeTimer): boolean =>
  a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order)
