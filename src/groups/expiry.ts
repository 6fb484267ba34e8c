/** Groups that nobody uses go after a retention: one timer for all of them, set to the first that may be due. */
import type { Clock, Timer } from '../kernel/platform.ts'
import { DAY_MS, SECOND_MS } from '../kernel/units.ts'
import { isExpired } from './decide.ts'
import type { Group } from './group.ts'

const SWEEP_MS_MIN = 1 * SECOND_MS
const TIMER_MS_MAX = 24 * DAY_MS

export interface GroupExpiryOptions {
  readonly clock: Clock
  /** How long a group without members is kept after its last use, in milliseconds. */
  readonly retentionMs: number
  groups(): Iterable<Group>
  /** These are due; whoever is still there afterwards is looked at again. */
  expire(groups: readonly string[]): void
}

export class GroupExpiry {
  readonly #options: GroupExpiryOptions
  #timer: Timer | undefined
  /** When the timer wants to look, by the wall clock. */
  #dueMs = Number.POSITIVE_INFINITY

  constructor(options: GroupExpiryOptions) {
    this.#options = options
  }

  /** The group was used, or lost its last member. */
  watch(group: Group): void {
    if (group.members.size > 0) return
    const { clock, retentionMs } = this.#options
    const dueMs = group.touchedMs + retentionMs
    if (dueMs >= this.#dueMs) return
    this.#dueMs = dueMs
    this.#timer?.cancel()
    const delayMs = Math.max(dueMs - clock.nowMs(), SWEEP_MS_MIN)
    this.#timer = clock.setTimer(Math.min(delayMs, TIMER_MS_MAX), () => this.#sweep())
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #sweep(): void {
    const { clock, retentionMs, groups, expire } = this.#options
    this.#dueMs = Number.POSITIVE_INFINITY
    const nowMs = clock.nowMs()
    const expired = [...groups()].filter((group) => isExpired(group, nowMs, retentionMs))
    if (expired.length > 0) expire(expired.map(({ id }) => id))
    for (const group of groups()) this.watch(group)
  }
}
