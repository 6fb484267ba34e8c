/**
 * Tells waiting members of one group that its generation has ended: coalesced, so that 200 members who join at
 * once do not send each other back 200 times.
 *
 *   change ─┬─ change ── 20 ms of quiet ──▶ notice
 *           └───────────── at the latest 100 ms after the first ──▶ notice
 */
import type { Clock, Timer } from '../kernel/platform.ts'

/** A notice waits for this much quiet, in milliseconds. */
export const NOTICE_QUIET_MS = 20
/** No change waits longer to be told, in milliseconds. */
export const NOTICE_DELAY_MS_MAX = 100

export class RebalanceNotice {
  readonly #clock: Clock
  readonly #listeners = new Set<() => void>()
  #timer: Timer | undefined
  #latestMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** True between a change and the notice of it. */
  get isPending(): boolean {
    return this.#timer !== undefined
  }

  changed(): void {
    const nowMs = this.#clock.monotonicMs()
    if (this.#timer === undefined) this.#latestMs = nowMs + NOTICE_DELAY_MS_MAX
    this.#timer?.cancel()
    const dueMs = Math.min(nowMs + NOTICE_QUIET_MS, this.#latestMs)
    this.#timer = this.#clock.setTimer(dueMs - nowMs, () => this.flush())
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
