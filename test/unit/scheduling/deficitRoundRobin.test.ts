import { describe, expect, test } from 'vitest'
import {
  ALL_LANES,
  DEFAULT_LANE_WEIGHTS,
  DeficitRoundRobin,
  firstLane,
  hasLane,
  isSingleLane,
  laneBit,
  lowLanesMax,
} from '../../../src/scheduling/index.ts'

const [CRITICAL, NORMAL, BACKGROUND] = [0, 2, 4]
const lanes = (...of: number[]): number => of.reduce((bits, lane) => bits | laneBit(lane), 0)

/** The lanes of `count` records taken one by one. */
function take(drr: DeficitRoundRobin, holding: number, count: number): string {
  let order = ''
  for (let i = 0; i < count; i += 1) {
    const { lane } = drr.choose(holding, 0)
    drr.served(lane, 1, 0, true)
    order += lane
  }
  return order
}

describe('deficit round robin', () => {
  test('hands out what arrives in an urgent lane next, in the middle of another one', () => {
    const drr = new DeficitRoundRobin()
    expect(take(drr, lanes(BACKGROUND), 1_000)).toBe('4'.repeat(1_000))
    expect(take(drr, lanes(CRITICAL, BACKGROUND), 1)).toBe('0')
  })

  test('gives a lane that is alone everything at once', () => {
    const drr = new DeficitRoundRobin()
    expect(drr.choose(lanes(NORMAL), 0)).toMatchObject({ lane: NORMAL })
    expect(drr.choose(lanes(NORMAL), 0).quota).toBeGreaterThan(1_000_000)
  })

  test('holds nothing against a lane that was alone before', () => {
    const drr = new DeficitRoundRobin()
    drr.served(BACKGROUND, 1_000_000, 0, true)
    expect(take(drr, ALL_LANES, 200)).toBe(
      `${'0'.repeat(50)}${'1'.repeat(25)}${'2'.repeat(15)}${'3'.repeat(7)}` +
        `${'0'.repeat(50)}${'1'.repeat(25)}${'2'.repeat(15)}${'3'.repeat(7)}444${'0'.repeat(3)}`,
    )
  })

  test('lets a lane that was empty save up no more than the rest of its round', () => {
    const drr = new DeficitRoundRobin([2, 1, 1, 1, 1])
    take(drr, lanes(NORMAL), 100)
    expect(take(drr, lanes(CRITICAL, NORMAL), 9)).toBe('000020020')
  })

  test('gives the next turn to a lane that has waited for the boost, one record of it', () => {
    const drr = new DeficitRoundRobin(DEFAULT_LANE_WEIGHTS, 30_000)
    const holding = lanes(CRITICAL, BACKGROUND)
    const turns: string[] = []
    for (let nowMs = 0; nowMs <= 100_000; nowMs += 10_000) {
      const { lane, quota } = drr.choose(holding, nowMs)
      drr.served(lane, 1, nowMs, true)
      turns.push(`${lane}${quota === 1 && lane === BACKGROUND ? '!' : ''}`)
    }
    expect(turns.join(' ')).toBe('0 0 0 4! 0 0 4! 0 0 4! 0')
    expect(drr.boosts).toBe(3)
  })

  test('does not count the time in which a lane held nothing', () => {
    const drr = new DeficitRoundRobin()
    drr.choose(lanes(CRITICAL, BACKGROUND), 0)
    drr.served(BACKGROUND, 1, 0, false)
    expect(drr.choose(lanes(CRITICAL, BACKGROUND), 100_000).lane).toBe(CRITICAL)
  })

  test('owes a lane that is kept out what it did not get, behind critical', () => {
    const drr = new DeficitRoundRobin([2, 2, 2, 2, 2])
    const some = lanes(CRITICAL, NORMAL)
    const order: number[] = []
    for (let i = 0; i < 5; i += 1) {
      const { lane } = drr.choose(some, 0, lanes(BACKGROUND))
      drr.served(lane, 1, 0, true)
      order.push(lane)
    }
    expect(order.join('')).toBe('00220')
    expect(take(drr, some | lanes(BACKGROUND), 9)).toBe('044224400')
  })

  test('takes new weights at once', () => {
    const drr = new DeficitRoundRobin()
    take(drr, ALL_LANES, 10)
    drr.configure([1, 1, 1, 1, 1], 30_000)
    expect(take(drr, ALL_LANES, 10)).toBe('0123401234')
  })
})

describe('a set of lanes', () => {
  test('knows what is in it', () => {
    expect([0, 1, 2, 3, 4].filter((lane) => hasLane(lanes(1, 4), lane))).toEqual([1, 4])
    expect(firstLane(lanes(1, 4))).toBe(1)
    expect([isSingleLane(lanes(3)), isSingleLane(lanes(3, 4))]).toEqual([true, false])
  })
})

describe('the cap of the two lowest lanes', () => {
  test('is a share of the slots, and one slot at least', () => {
    expect([0.75, 0.5, 0].map((share) => lowLanesMax(share, 10))).toEqual([7, 5, 1])
    expect(lowLanesMax(0.75, 1)).toBe(1)
  })
})
