/**
 * Wall time that neither jumps nor goes back: the wall clock of the start, or the latest time the journal knows where
 * that is later, and from there on as the monotonic clock goes. Deadlines are kept in it, so that an operator or NTP
 * who sets the clock neither ends a lease nor makes one last for hours.
 */
import type { Clock, Timer } from '../kernel/platform.ts'

export class SteadyClock implements Clock {
  readonly #clock: Clock
  #offsetMs: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#offsetMs = clock.nowMs() - clock.monotonicMs()
  }

  /** Never says less than this from now on. */
  notBefore(timeMs: number): void {
    this.#offsetMs = Math.max(this.#offsetMs, timeMs - this.#clock.monotonicMs())
  }

  nowMs(): number {
    return Math.floor(this.#clock.monotonicMs() + this.#offsetMs)
  }

  /** The time that people's clocks will show at `steadyMs`. */
  wallMs(steadyMs: number): number {
    return Math.round(steadyMs - this.nowMs() + this.#clock.nowMs())
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs()
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    return this.#clock.setTimer(delayMs, fire)
  }
}
