/**
 * The one timer wheel of all delay logs, and what moves into it. Only entries due within the horizon have a timer; the
 * others wait in their pages, each of which knows the least due time that has none. So delays have no greatest length,
 * and millions pending cost what their pages cost.
 *
 *   every second, while anything waits without a timer:  least untimed due time <= now + horizon?  -> refill
 *   refill: the pages whose least untimed due time is that near, a few at a time, so that no step takes long
 *
 * A timer's payload is a number: the slot its page is known by here, times 4096, plus the entry.
 */
import type { Clock, Timer } from '../kernel/platform.ts'
import { SECOND_MS } from '../kernel/units.ts'
import { type TimerId, WheelDriver } from '../timing/index.ts'
import { type IndexPage, PAGE_ENTRIES } from './indexPage.ts'
import { STATE } from './states.ts'

const LOOK_MS = 1 * SECOND_MS
/** Timers in the wheel at once; beyond them entries wait in their pages until others have fired. */
const TIMERS_MAX = 8_000_000
/** A step of a refill ends after so many milliseconds. */
const STEP_MS = 2

export interface AlarmOptions {
  readonly clock: Clock
  readonly horizonMs: number
  /** Every page in memory. */
  readonly pages: () => Iterable<IndexPage>
  /** True where nothing waits at all. */
  readonly isIdle: () => boolean
}

export class Alarm {
  readonly #options: AlarmOptions
  readonly #clock: Clock
  readonly #driver: WheelDriver<number>
  readonly #slots: (IndexPage | undefined)[] = []
  readonly #freeSlots: number[] = []
  #timer: Timer | undefined
  #refilling: Iterator<IndexPage> | undefined
  /** No page has an untimed entry that is due before. */
  #nextUntimedMs = Number.POSITIVE_INFINITY
  #stopped = false

  constructor(options: AlarmOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#driver = new WheelDriver<number>({
      clock: options.clock,
      fire: (payload) => this.#fired(payload),
    })
  }

  /** Timers in the wheel now. */
  get size(): number {
    return this.#driver.size
  }

  levels(): readonly number[] {
    return this.#driver.levels()
  }

  /** Sees to it that the pending entry `i` of `page` is told of when it is due. */
  watch(page: IndexPage, i: number): void {
    const dueMs = page.dueMs[i] as number
    const isNear = dueMs <= this.#clock.nowMs() + this.#options.horizonMs
    if (isNear && this.#driver.size < TIMERS_MAX) {
      this.#set(page, i)
      return
    }
    if (dueMs < page.minUntimedMs) page.minUntimedMs = dueMs
    if (dueMs < this.#nextUntimedMs) this.#nextUntimedMs = dueMs
    this.#arm()
  }

  /** The same for entries that were added one behind the other. */
  watchRun(page: IndexPage, from: number, to: number): void {
    const nearMs = this.#clock.nowMs() + this.#options.horizonMs
    const { dueMs } = page
    for (let i = from; i < to; i += 1) {
      const at = dueMs[i] as number
      if (at <= nearMs && this.#driver.size < TIMERS_MAX) this.#set(page, i)
      else if (at < this.#nextUntimedMs) this.#nextUntimedMs = at
    }
    this.#arm()
  }

  /** The same for all pending entries of a page. */
  watchPage(page: IndexPage): void {
    this.#refill(page, this.#clock.nowMs() + this.#options.horizonMs)
    this.#arm()
  }

  /** Takes the timer of an entry away, if it has one. O(1). */
  unwatch(page: IndexPage, i: number): void {
    const id = page.timers?.[i] ?? 0
    if (id === 0) return
    this.#driver.cancel(id as TimerId)
    this.#cleared(page, i)
  }

  /** Takes away all timers of a page that is let go of. */
  forget(page: IndexPage): void {
    const { timers } = page
    if (timers === undefined) return
    for (let i = 0; i < timers.length; i += 1) this.unwatch(page, i)
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#driver.stop()
  }

  #set(page: IndexPage, i: number): void {
    page.timers ??= new Float64Array(page.states.length)
    if ((page.timers[i] ?? 0) !== 0) return
    if (page.slot < 0) {
      page.slot = this.#freeSlots.pop() ?? this.#slots.length
      this.#slots[page.slot] = page
    }
    page.timerCount += 1
    page.timers[i] = this.#driver.add(page.dueMs[i] as number, page.slot * PAGE_ENTRIES + i)
  }

  #fired(payload: number): void {
    const page = this.#slots[Math.floor(payload / PAGE_ENTRIES)]
    if (page === undefined) return
    const i = payload % PAGE_ENTRIES
    this.#cleared(page, i)
    page.owner.due(page.base + i)
  }

  #cleared(page: IndexPage, i: number): void {
    if (page.timers !== undefined) page.timers[i] = 0
    page.timerCount -= 1
    if (page.timerCount > 0) return
    this.#slots[page.slot] = undefined
    this.#freeSlots.push(page.slot)
    page.slot = -1
    page.timers = undefined
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#stopped) return
    if (this.#nextUntimedMs === Number.POSITIVE_INFINITY) return
    // Well within the half of a horizon by which a refill comes early.
    const lookMs = Math.min(LOOK_MS, this.#options.horizonMs / 4)
    const delayMs = this.#refilling === undefined ? lookMs : 0
    this.#timer = this.#clock.setTimer(delayMs, () => {
      this.#timer = undefined
      this.#look()
      this.#arm()
    })
  }

  #look(): void {
    const { horizonMs, pages, isIdle } = this.#options
    if (isIdle()) {
      this.#refilling = undefined
      this.#nextUntimedMs = Number.POSITIVE_INFINITY
      return
    }
    const nowMs = this.#clock.nowMs()
    // Half a horizon early, so that a refill has as long as that.
    if (this.#refilling === undefined) {
      if (this.#nextUntimedMs > nowMs + horizonMs / 2) return
      this.#refilling = [...pages()][Symbol.iterator]()
      this.#nextUntimedMs = Number.POSITIVE_INFINITY
    }
    const endMs = this.#clock.monotonicMs() + STEP_MS
    for (;;) {
      const next = this.#refilling.next()
      if (next.done) {
        this.#refilling = undefined
        return
      }
      this.#refill(next.value, nowMs + horizonMs)
      if (this.#clock.monotonicMs() >= endMs) break
    }
    // Something is left to look at, whatever the pages so far say.
    this.#nextUntimedMs = Math.min(this.#nextUntimedMs, nowMs)
  }

  #refill(page: IndexPage, untilMs: number): void {
    if (page.open > 0 && page.minUntimedMs <= untilMs) {
      const { states, dueMs } = page
      for (let i = 0; i < states.length && this.#driver.size < TIMERS_MAX; i += 1) {
        if (states[i] === STATE.PENDING && (dueMs[i] as number) <= untilMs) this.#set(page, i)
      }
      page.refresh()
    }
    if (page.open > 0 && page.minUntimedMs < this.#nextUntimedMs) {
      this.#nextUntimedMs = page.minUntimedMs
    }
  }
}
