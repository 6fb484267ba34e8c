/**
 * Tells waiting members of one group that its generation has ended: coalesced, so that 200 members who join at
 * once do not send each other back 200 times.
 *
 *   change ─┬─ change ── 20 ms of quiet ──▶ notice
 *           └───────────── at the latest 100 ms after the first ──▶ notice
 *
 * Each notice sends every member back. Where changes do not stop, a large group is told in steps of 2 ms a member,
 * and while most of those told last are still on their way back nobody is told again: what they come back to is
 * the newest anyway. All of that for a second at most.
 */
import type { Clock, Timer } from '../kernel/platform.ts'
import { SECOND_MS } from '../kernel/units.ts'

/** A notice waits for this much quiet, in milliseconds. */
const NOTICE_QUIET_MS = 20
/** Where it does not get quiet: how long the first change waits, in milliseconds; in a large group, the second. */
export const NOTICE_DELAY_MS = 100
const NOTICE_DELAY_MS_PER_MEMBER = 2
/** No change waits longer to be told, in milliseconds. */
const NOTICE_DELAY_MS_MAX = 1 * SECOND_MS

/** The group, as far as its notices depend on it. */
export interface Audience {
  readonly members: number
  /** Members that were told and have not come back yet. */
  readonly away: number
}

export class RebalanceNotice {
  readonly #clock: Clock
  readonly #audience: () => Audience
  readonly #listeners = new Set<() => void>()
  #timer: Timer | undefined
  /** When the first change came that is not told yet. */
  #firstMs = 0

  constructor(clock: Clock, audience: () => Audience) {
    this.#clock = clock
    this.#audience = audience
  }

  /** True between a change and the notice of it. */
  get isPending(): boolean {
    return this.#timer !== undefined
  }

  changed(): void {
    if (this.#timer === undefined) this.#firstMs = this.#clock.monotonicMs()
    const { members } = this.#audience()
    const delayMs = Math.max(NOTICE_DELAY_MS, members * NOTICE_DELAY_MS_PER_MEMBER)
    this.#wait(Math.min(delayMs, NOTICE_DELAY_MS_MAX))
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

  /** For quiet, and no longer than `delayMs` after the first change. */
  #wait(delayMs: number): void {
    this.#timer?.cancel()
    const leftMs = this.#firstMs + delayMs - this.#clock.monotonicMs()
    const waitMs = Math.max(0, Math.min(NOTICE_QUIET_MS, leftMs))
    this.#timer = this.#clock.setTimer(waitMs, () => this.#due())
  }

  #due(): void {
    const { members, away } = this.#audience()
    const waitedMs = this.#clock.monotonicMs() - this.#firstMs
    if (away * 2 > members && waitedMs < NOTICE_DELAY_MS_MAX) this.#wait(NOTICE_DELAY_MS_MAX)
    else this.flush()
  }
}
