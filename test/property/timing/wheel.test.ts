/**
 * The wheel against a list: whatever is added, cancelled and let pass, both fire the same timers, never early, by the
 * order of their ticks. Each course is drawn from a seed; a failure prints it. GOQUEUE_WHEEL_OPERATIONS runs
 * more or fewer of them.
 */
import { describe, expect, test } from 'vitest'
import {
  type TimerId,
  TimerWheel,
  WHEEL_SPAN_MS,
  WHEEL_TICK_MS,
} from '../../../src/timing/index.ts'
import { baseSeed, SeededRandom } from '../../support/random.ts'

const OPERATIONS = Number(process.env['GOQUEUE_WHEEL_OPERATIONS'] ?? 1_000_000)
const OPERATIONS_PER_COURSE = 1_000
/** Lengths of a slot at each level, and of the whole wheel. */
const LEVELS_MS = [10, 2_560, 163_840, 10_485_760, WHEEL_SPAN_MS]

interface Twin {
  readonly id: TimerId
  readonly name: number
  readonly dueMs: number
  /** Was past due when it was added: fires soon, in no order. */
  readonly late: boolean
}

/** As expect, but cheap enough for millions of calls. */
const must = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(what)
}

class Course {
  readonly #random: SeededRandom
  readonly #wheel: TimerWheel<number>
  readonly #list: Twin[] = []
  readonly #gone: TimerId[] = []
  #nowMs: number
  #names = 0

  constructor(random: SeededRandom) {
    this.#random = random
    this.#nowMs = random.pick([0, 1, 2 ** 31 * WHEEL_TICK_MS - 5, Date.UTC(2026, 10, 22)])
    this.#wheel = new TimerWheel(this.#nowMs)
  }

  run(operations: number): void {
    for (let nth = 0; nth < operations; nth += 1) {
      const draw = this.#random.next()
      if (draw < 0.6) this.#add()
      else if (draw < 0.8) this.#cancelOne()
      else if (draw < 0.996) this.#pass(this.#somewhile())
      else if (draw < 0.999) this.#setBack()
      else this.#clear()
      must(this.#wheel.size === this.#list.length, 'the wheel holds what the list holds')
    }
    while (this.#list.length > 0) this.#pass(2 * WHEEL_SPAN_MS)
    expect(this.#wheel.levels()).toEqual([0, 0, 0, 0])
    expect(this.#wheel.nextDueMs()).toBeUndefined()
  }

  /** A length of time around the edges of the levels, or anything within one of them. */
  #somewhile(): number {
    const edgeMs = this.#random.pick(LEVELS_MS)
    const draw = this.#random.next()
    if (draw < 0.3) return Math.max(0, edgeMs + this.#random.between(-11, 11))
    if (draw < 0.4) return this.#random.int(12)
    return Math.floor(this.#random.next() * edgeMs)
  }

  #add(): void {
    const name = this.#names++
    const late = this.#random.chance(0.05)
    const dueMs = late ? this.#nowMs - this.#random.int(5_000) : this.#nowMs + this.#somewhile()
    const id = this.#wheel.add(dueMs, name)
    this.#list.push({ id, name, dueMs, late: dueMs <= this.#nowMs })
  }

  #cancelOne(): void {
    if (this.#gone.length > 0 && this.#random.chance(0.1)) {
      const stale = this.#random.pick(this.#gone)
      must(this.#wheel.cancel(stale) === undefined, 'a timer that has gone is not cancelled')
      return
    }
    if (this.#list.length === 0) return
    const at = this.#random.int(this.#list.length)
    const twin = this.#forget(at)
    must(this.#wheel.cancel(twin.id) === twin.name, 'the timer is cancelled that was named')
  }

  #forget(at: number): Twin {
    const twin = this.#list[at] as Twin
    const last = this.#list.pop() as Twin
    if (last !== twin) this.#list[at] = last
    this.#gone.push(twin.id)
    return twin
  }

  #clear(): void {
    while (this.#list.length > 0) this.#forget(0)
    this.#wheel.clear()
  }

  #setBack(): void {
    this.#nowMs -= this.#random.pick([1, 15, 3_000, 7_200_000])
    this.#wheel.rewind(this.#nowMs)
  }

  /** Lets time pass and takes what falls due, by calls that may fire few or all, and in which timers come and go. */
  #pass(ms: number): void {
    this.#checkNext()
    this.#nowMs += ms
    const max = this.#random.pick([1, 3, 50, Number.POSITIVE_INFINITY])
    let tick = Number.NEGATIVE_INFINITY
    const fire = (name: number, dueMs: number): void => {
      if (this.#fired(name, dueMs).late) return
      must(Math.floor(dueMs / WHEEL_TICK_MS) >= tick, 'timers fire by the order of their ticks')
      tick = Math.floor(dueMs / WHEEL_TICK_MS)
    }
    do {
      must(this.#wheel.advance(this.#nowMs, max, fire) <= max, 'no more fire than may')
    } while ((this.#wheel.nextDueMs() ?? Number.POSITIVE_INFINITY) <= this.#nowMs)
    must(this.#leastMs() > this.#nowMs, 'all have fired that were due')
  }

  #leastMs(): number {
    let least = Number.POSITIVE_INFINITY
    for (const { dueMs } of this.#list) least = Math.min(least, dueMs)
    return least
  }

  #checkNext(): void {
    const nextMs = this.#wheel.nextDueMs() ?? Number.POSITIVE_INFINITY
    const leastMs = this.#leastMs()
    if (leastMs <= this.#nowMs) must(nextMs <= this.#nowMs, 'what is due is due now')
    else must(nextMs <= leastMs, 'the next call is in time')
  }

  #fired(name: number, dueMs: number): Twin {
    const at = this.#list.findIndex((twin) => twin.name === name)
    must(at >= 0, `timer ${name} fired though it had gone`)
    const twin = this.#forget(at)
    must(twin.dueMs === dueMs && dueMs <= this.#nowMs, `timer ${name} fired early`)
    const draw = this.#random.next()
    if (draw < 0.1) this.#cancelOne()
    else if (draw < 0.15) this.#add()
    return twin
  }
}

describe('timer wheel', () => {
  test('does what a list does, whatever comes', () => {
    const random = new SeededRandom(baseSeed())
    for (let nth = 0; nth * OPERATIONS_PER_COURSE < OPERATIONS; nth += 1) {
      try {
        new Course(random.fork()).run(OPERATIONS_PER_COURSE)
      } catch (cause) {
        throw new Error(`GOQUEUE_SEED=${baseSeed()}: course ${nth}`, { cause })
      }
    }
  })
})
