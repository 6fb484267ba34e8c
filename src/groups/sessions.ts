/**
 * Who of one group is alive and what each member knows, as far as this process has seen: nothing of it is
 * journaled.
 *
 * A member lives until it was silent for its session timeout; one whose long poll waits here is not silent. One timer
 * for the whole group, set to the earliest deadline that it knew when it was set; a heartbeat only moves a number.
 * Where the timer comes late the broker itself was stopped and heard nobody: everybody has that time once more.
 */
import type { Clock, Timer } from '../kernel/platform.ts'
import { SECOND_MS } from '../kernel/units.ts'

export interface Session {
  timeoutMs: number
  /** Monotonic time at which the member's silence ends its membership. */
  deadlineMs: number
  /** Wall time of the last sign of life. */
  lastSeenMs: number
  /** The last generation that the member has shown to know; 0 is none. */
  adopted: number
  /** The last generation that the member was told of by the early end of a poll. */
  told: number
  /** Long polls of the member that wait now. */
  waits: number
}

const LATE_MS = 1 * SECOND_MS
const RETRY_MS = 1 * SECOND_MS

export class Sessions {
  readonly #clock: Clock
  readonly #onSilent: (memberIds: readonly string[]) => void
  readonly #sessions = new Map<string, Session>()
  #generation = 0
  #adopted = 0
  #away = 0
  #timer: Timer | undefined
  #dueMs = 0

  /** `onSilent` is to end the membership of these; those it leaves are reported again a second later. */
  constructor(clock: Clock, onSilent: (memberIds: readonly string[]) => void) {
    this.#clock = clock
    this.#onSilent = onSilent
  }

  get size(): number {
    return this.#sessions.size
  }

  get(memberId: string): Session | undefined {
    return this.#sessions.get(memberId)
  }

  /** True where every member has shown to know the current generation. */
  get settled(): boolean {
    return this.#adopted === this.#sessions.size
  }

  /** How many were told of a generation and have not come back yet. */
  get away(): number {
    return this.#away
  }

  /** A sign of life; a member not seen before begins its session. */
  touch(memberId: string, timeoutMs: number): Session {
    const nowMs = this.#clock.monotonicMs()
    let session = this.#sessions.get(memberId)
    if (session === undefined) {
      session = { timeoutMs, deadlineMs: 0, lastSeenMs: 0, adopted: 0, told: 0, waits: 0 }
      this.#sessions.set(memberId, session)
    }
    session.timeoutMs = timeoutMs
    session.deadlineMs = nowMs + timeoutMs
    session.lastSeenMs = this.#clock.nowMs()
    this.#arm(session.deadlineMs, nowMs)
    return session
  }

  /** Notes that the member acts on `generation`. */
  adopt(session: Session, generation: number): void {
    if (session.adopted === generation) return
    if (isAway(session)) this.#away -= 1
    session.adopted = generation
    if (generation === this.#generation) this.#adopted += 1
  }

  /** Notes that the member was told to come back to `generation`. */
  tell(session: Session, generation: number): void {
    if (isAway(session)) this.#away -= 1
    session.told = generation
    if (isAway(session)) this.#away += 1
  }

  /** A new generation: nobody knows it yet. */
  renew(generation: number): void {
    this.#generation = generation
    this.#adopted = 0
  }

  /** Belongs to a new generation: call {@link renew} after it. */
  remove(memberId: string): void {
    const session = this.#sessions.get(memberId)
    if (session !== undefined && isAway(session)) this.#away -= 1
    this.#sessions.delete(memberId)
    if (this.#sessions.size === 0) this.close()
  }

  keys(): Iterable<string> {
    return this.#sessions.keys()
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #arm(dueMs: number, nowMs: number): void {
    if (this.#timer !== undefined && this.#dueMs <= dueMs) return
    this.#timer?.cancel()
    this.#dueMs = dueMs
    this.#timer = this.#clock.setTimer(Math.max(0, Math.ceil(dueMs - nowMs)), () => this.#fired())
  }

  #fired(): void {
    this.#timer = undefined
    const nowMs = this.#clock.monotonicMs()
    const lateMs = nowMs - this.#dueMs
    const silent: string[] = []
    for (const [memberId, session] of this.#sessions) {
      const graceMs = lateMs > LATE_MS ? Math.min(lateMs, session.timeoutMs) : 0
      if (graceMs > 0) session.deadlineMs = Math.max(session.deadlineMs, nowMs + graceMs)
      if (session.deadlineMs > nowMs) continue
      session.deadlineMs = nowMs + (session.waits > 0 ? session.timeoutMs : RETRY_MS)
      if (session.waits === 0) silent.push(memberId)
    }
    if (silent.length > 0) this.#onSilent(silent)
    if (this.#sessions.size === 0) return
    let dueMs = Number.POSITIVE_INFINITY
    for (const { deadlineMs } of this.#sessions.values()) dueMs = Math.min(dueMs, deadlineMs)
    this.#arm(dueMs, nowMs)
  }
}

const isAway = ({ told, adopted }: Session): boolean => told > adopted
