import { describe, expect, test } from 'vitest'
import { OnTheSpot } from '../../../src/io/onTheSpot.ts'

const world = () => {
  let nowMs = 1_000
  const turns: (() => void)[] = []
  const spot = new OnTheSpot(
    { bytesMax: 100, slowMs: 2, creditMs: 10, turnMs: 2 },
    { nowMs: () => nowMs, turned: (call) => void turns.push(call) },
  )
  const pass = (ms: number): void => {
    nowMs += ms
  }
  return {
    spot,
    pass,
    taking: (ms: number) => () => pass(ms),
    turns,
    turn: () => {
      for (const call of turns.splice(0)) call()
    },
  }
}

describe('what is written or read on the spot', () => {
  test('is small', () => {
    const { spot } = world()
    expect(spot.suits(100)).toBe(true)
    expect(spot.suits(101)).toBe(false)
  })

  test('is nothing while the slow ones took more than a hundredth of the time, and a bit', () => {
    const { spot, taking, turn, pass } = world()
    const run = (ms: number): void => {
      spot.run(taking(ms))
      turn()
    }
    run(2)
    run(10)
    expect(spot.suits(1)).toBe(true)
    run(3)
    expect(spot.suits(1)).toBe(false)
    // 10 ms were paid for 3 ms long; of the 300 that the other takes, 1,000 may be owed.
    pass(296)
    expect(spot.suits(1)).toBe(false)
    pass(1)
    expect(spot.suits(1)).toBe(true)
  })

  test('is what it was where a slow one comes now and then only', () => {
    const { spot, taking, turn, pass } = world()
    for (let i = 0; i < 1_000; i += 1) {
      spot.run(taking(3))
      turn()
      expect(spot.suits(1)).toBe(true)
      pass(297)
    }
  })

  test('is nothing for most of a hundred times as long as a very slow one took', () => {
    const { spot, taking, turn, pass } = world()
    spot.run(taking(50))
    turn()
    pass(3_999)
    expect(spot.suits(1)).toBe(false)
    pass(1)
    expect(spot.suits(1)).toBe(true)
  })

  test('one that fails slowly counts as slow, and its error is told', () => {
    const { spot, taking, turn } = world()
    const failing = (): void => {
      taking(50)()
      throw new Error('full')
    }
    expect(() => spot.run(failing)).toThrow('full')
    turn()
    expect(spot.suits(1)).toBe(false)
  })

  test('is a short part of one turn of the event loop, however quick each of them is', () => {
    const { spot, taking, turn, turns } = world()
    let made = 0
    for (; made < 100 && spot.suits(1); made += 1) spot.run(taking(0.25))
    expect(made).toBe(8)
    // One question of when the loop has turned for all of them, and none while nothing is made on the spot.
    expect(turns.length).toBe(1)
    turn()
    expect([spot.suits(1), turns.length]).toEqual([true, 0])
  })

  test('may be all of a turn where no limit is given', () => {
    const spot = new OnTheSpot(
      { bytesMax: 100, slowMs: 2, creditMs: 0 },
      { nowMs: () => 0, turned: () => expect.unreachable() },
    )
    spot.run(() => undefined)
    expect(spot.suits(1)).toBe(true)
  })

  test('hands on what was read', () => {
    const { spot } = world()
    expect(spot.run(() => 42)).toBe(42)
  })
})
