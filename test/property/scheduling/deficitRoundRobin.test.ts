/**
 * Deficit round robin against the bound that makes it fair, whatever the lanes hold and however many records are
 * taken at a time. A failure prints its seed.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  ALL_LANES,
  DEFAULT_LANE_WEIGHTS,
  DeficitRoundRobin,
  hasLane,
  LANES,
} from '../../../src/scheduling/index.ts'
import { baseSeed } from '../../support/random.ts'

const seed = baseSeed()
const holding = fc.integer({ min: 1, max: ALL_LANES })
const sizes = fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 20 })
const weights = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: LANES, maxLength: LANES })

interface Served {
  readonly counts: number[]
  readonly order: number[]
}

/** Takes `total` records in polls of the sizes given, from lanes that never run dry. */
function serve(drr: DeficitRoundRobin, lanes: number, total: number, polls: number[]): Served {
  const served: Served = { counts: new Array(LANES).fill(0), order: [] }
  let poll = 0
  let left = polls[0] as number
  for (let done = 0; done < total; ) {
    const { lane, quota } = drr.choose(lanes, 0)
    const count = Math.min(quota, left, total - done)
    drr.served(lane, count, 0, true)
    served.counts[lane] = (served.counts[lane] as number) + count
    for (let i = 0; i < count; i += 1) served.order.push(lane)
    done += count
    left -= count
    if (left === 0) left = polls[++poll % polls.length] as number
  }
  return served
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

/** Of each lane its share by the weights, among those that hold something. */
const shares = (of: readonly number[], lanes: number): number[] => {
  const all = sum(of.filter((_, lane) => hasLane(lanes, lane)))
  return of.map((weight, lane) => (hasLane(lanes, lane) ? weight / all : 0))
}

describe('deficit round robin', () => {
  test('gives lanes that all hold something their weights, within 2 points', () => {
    fc.assert(
      fc.property(holding, sizes, weights, (lanes, polls, of) => {
        const total = 40 * sum(of)
        const { counts } = serve(new DeficitRoundRobin(of), lanes, total, polls)
        for (const [lane, share] of shares(of, lanes).entries()) {
          expect(Math.abs((counts[lane] as number) / total - share)).toBeLessThan(0.02)
        }
      }),
      { seed, numRuns: 60 },
    )
  })

  test('serves in every round each lane its weight, the most urgent first', () => {
    fc.assert(
      fc.property(sizes, (polls) => {
        const { order } = serve(new DeficitRoundRobin(), ALL_LANES, 500, polls)
        for (let round = 0; round < 5; round += 1) {
          const inRound = order.slice(100 * round, 100 * round + 100)
          expect(inRound).toEqual(inRound.toSorted((a, b) => a - b))
          expect(DEFAULT_LANE_WEIGHTS).toEqual(
            DEFAULT_LANE_WEIGHTS.map((_, lane) => inRound.filter((each) => each === lane).length),
          )
        }
      }),
      { seed, numRuns: 20 },
    )
  })

  test('chooses what holds something, and lets nothing wait longer than the boost and a turn of each', () => {
    const step = fc.record({
      holds: holding,
      ms: fc.nat(4_000),
      take: fc.integer({ min: 1, max: 9 }),
    })
    fc.assert(
      fc.property(fc.array(step, { minLength: 50, maxLength: 400 }), (steps) => {
        const course = new Course()
        for (const each of steps) course.step(each)
      }),
      { seed, numRuns: 60 },
    )
  })
})

const BOOST_MS = 30_000
const STEP_MS_MAX = 4_000

class Course {
  readonly #drr = new DeficitRoundRobin(DEFAULT_LANE_WEIGHTS, BOOST_MS)
  /** Lane to the time since which it holds something unserved. */
  readonly #since = new Map<number, number>()
  #nowMs = 0

  step({ holds, ms, take }: { holds: number; ms: number; take: number }): void {
    for (let lane = 0; lane < LANES; lane += 1) {
      if (hasLane(holds, lane) && !this.#since.has(lane)) this.#since.set(lane, this.#nowMs)
    }
    // What holds something holds it until it is served.
    const lanes = [...this.#since.keys()].reduce((bits, lane) => bits | (1 << lane), 0)
    const { lane, quota } = this.#drr.choose(lanes, this.#nowMs)
    expect(hasLane(lanes, lane)).toBe(true)
    const holdsMore = take > 5
    this.#drr.served(lane, Math.min(take, quota), this.#nowMs, holdsMore)
    if (holdsMore) this.#since.set(lane, this.#nowMs)
    else this.#since.delete(lane)
    for (const sinceMs of this.#since.values()) {
      expect(this.#nowMs - sinceMs).toBeLessThanOrEqual(BOOST_MS + LANES * STEP_MS_MAX)
    }
    this.#nowMs += ms
  }
}
