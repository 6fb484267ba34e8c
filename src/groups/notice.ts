/**
 * Tells waiting members of one group that its generation has ended: coalesced, so that 200 members who join at
 * once do not send each other back 200 times.
 *
 *   change ─┬─ change ── 20 ms of quiet ──▶ notice
 *           └───────────── at the latest 100 ms after the first ──▶ notice
 *
 * Each notice sends every member back: where changes do not stop, a large group is told in steps of 2 ms a member,
 * but of no more than a second, so that going back and forth does not keep it from settling.
 */
import type { Clock, Timer } from '../kernel/platform.ts'
import { SECOND_MS } from '../kernel/units.ts'

/** A notice waits for this much quiet, in milliseconds. */
export const NOTICE_QUIET_MS = 20
/** No change waits longer to be told, in milliseconds; in a large group, of members times the second. */
export const NOTICE_DELAY_MS = 100
export const NOTICE_DELAY_MS_PER_MEMBER = 2
export const NOTICE_DELAY_MS_MAX = 1 * SECOND_MS

export class RebalanceNotice {
  readonly #clock: Clock
  readonly #listeners = new Set<() => void>()
  #timer: Timer | undefined
  /** When the first change came that is not told yet. */
  #firstMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** True between a change and the notice of it. */
  get isPending(): boolean {
    return this.#timer !== undefined
  }

  /** `members`: how many the group has now. */
  changed(members: number): void {
    const nowMs = this.#clock.monotonicMs()
    if (this.#timer === undefined) this.#firstMs = nowMs
    this.#timer?.cancel()
    const delayMs = Math.max(NOTICE_DELAY_MS, members * NOTICE_DELAY_MS_PER_MEMBER)
    const latestMs = this.#firstMs + Math.min(delayMs, NOTICE_DELAY_MS_MAX)
    const dueMs = Math.min(nowMs + NOTICE_QUIET_MS, latestMs)
    this.#timer = this.#clock.setTimer(Math.max(0, dueMs - nowMs), () => this.flush())
  }

  /** Calls `listener` with the next notice; returns how to stop listening. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Tells all who listen, now. */
  flush(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    const listeners = [...this.#listeners]
    this.#listeners.clear()
    for (const listener of listeners) listener()
  }
}
