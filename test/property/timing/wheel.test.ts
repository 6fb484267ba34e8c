/**
 * The wheel against a list: whatever is added, cancelled and let pass, both fire the same timers, never early, by the
 * order of their ticks. Each course is drawn from a seed; a failure prints it. A tenth of the operations run by
 * default; GOQUEUE_WHEEL_OPERATIONS=1000000 runs the million.
 */
import { describe, expect, test } from 'vitest'
import {
  type TimerId,
  TimerWheel,
  WHEEL_SPAN_MS,
  WHEEL_TICK_MS,
} from '../../../src/timing/index.ts'
import { baseSeed, SeededRandom } from '../../support/random.ts'

const OPERATIONS = Number(process.env['GOQUEUE_WHEEL_OPERATIONS'] ?? 100_000)
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

class Course {
  readonly #random: SeededRandom
  readonly #wheel: TimerWheel<number>
  readonly #list = new Map<number, Twin>()
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
      if (draw < 0.55) this.#add()
      else if (draw < 0.75) this.#cancelOne()
      else if (draw < 0.997) this.#pass(this.#somewhile())
      else if (draw < 0.999) this.#setBack()
      else this.#clear()
      expect(this.#wheel.size).toBe(this.#list.size)
    }
    for (let left = this.#list.size; left > 0; left = this.#list.size) this.#pass(2 * WHEEL_SPAN_MS)
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
    const past = this.#random.chance(0.05)
    const dueMs = past ? this.#nowMs - this.#random.int(5_000) : this.#nowMs + this.#somewhile()
    this.#list.set(name, {
      id: this.#wheel.add(dueMs, name),
      name,
      dueMs,
      late: dueMs <= this.#nowMs,
    })
  }

  #cancelOne(): void {
    const stale = this.#gone.length > 0 && this.#random.chance(0.1)
    if (stale) {
      expect(this.#wheel.cancel(this.#random.pick(this.#gone))).toBeUndefined()
      return
    }
    const names = [...this.#list.keys()]
    const twin = names.length > 0 ? this.#list.get(this.#random.pick(names)) : undefined
    if (twin === undefined) return
    this.#forget(twin)
    expect(this.#wheel.cancel(twin.id)).toBe(twin.name)
  }

  #forget(twin: Twin): void {
    this.#list.delete(twin.name)
    this.#gone.push(twin.id)
  }

  #clear(): void {
    for (const twin of [...this.#list.values()]) this.#forget(twin)
    this.#wheel.clear()
  }

  #setBack(): void {
    this.#nowMs -= this.#random.pick([1, 15, 3_000, 7_200_000])
    this.#wheel.rewind(this.#nowMs)
  }

  /** Lets time pass and takes all that falls due, by calls that may fire few or all, and in which timers come and go. */
  #pass(ms: number): void {
    const before = this.#wheel.nextDueMs()
    this.#checkNext(before)
    this.#nowMs += ms
    const max = this.#random.pick([1, 3, 50, Number.POSITIVE_INFINITY])
    let tick = Number.NEGATIVE_INFINITY
    const fire = (name: number, dueMs: number): void => {
      if (this.#fired(name, dueMs).late) return
      expect(Math.floor(dueMs / WHEEL_TICK_MS)).toBeGreaterThanOrEqual(tick)
      tick = Math.floor(dueMs / WHEEL_TICK_MS)
    }
    for (let next = before; next !== undefined && next <= this.#nowMs; ) {
      expect(this.#wheel.advance(this.#nowMs, max, fire)).toBeLessThanOrEqual(max)
      next = this.#wheel.nextDueMs()
    }
    this.#wheel.advance(this.#nowMs, max, fire)
    const late = [...this.#list.values()].filter((twin) => twin.dueMs <= this.#nowMs)
    expect(late).toEqual([])
  }

  #checkNext(nextMs = Number.POSITIVE_INFINITY): void {
    const least = Math.min(...[...this.#list.values()].map((twin) => twin.dueMs))
    if (least <= this.#nowMs) expect(nextMs).toBeLessThanOrEqual(this.#nowMs)
    else expect(nextMs).toBeLessThanOrEqual(least)
  }

  #fired(name: number, dueMs: number): Twin {
    const twin = this.#list.get(name)
    if (twin === undefined) throw new Error(`timer ${name} fired though it had gone`)
    expect(twin.dueMs).toBe(dueMs)
    expect(dueMs).toBeLessThanOrEqual(this.#nowMs)
    this.#forget(twin)
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
