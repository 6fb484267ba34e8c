import { describe, expect, test } from 'vitest'
import { FAKE_START_MS, FakeClock } from '../../support/fakeClock.ts'

describe('FakeClock', () => {
  test('timers fire in the order they fall due, each at its own time', () => {
    const clock = new FakeClock()
    const fired: [string, number][] = []
    const note = (name: string) => () => void fired.push([name, clock.nowMs() - FAKE_START_MS])
    clock.setTimer(20, note('b'))
    clock.setTimer(10, note('a'))
    clock.setTimer(20, note('c'))
    clock.setTimer(30, note('late')).cancel()
    clock.advance(25)
    expect(fired).toEqual([
      ['a', 10],
      ['b', 20],
      ['c', 20],
    ])
    expect(clock).toMatchObject({ pendingTimers: 0, firedTimers: 3 })
    expect(clock.monotonicMs()).toBe(25)
  })

  test('a timer set by another falls due within the same advance', () => {
    const clock = new FakeClock()
    let ticks = 0
    const tick = (): void => {
      ticks += 1
      clock.setTimer(10, tick)
    }
    clock.setTimer(10, tick)
    clock.advance(45)
    expect(ticks).toBe(4)
  })

  test('a step of the wall clock moves no timer', () => {
    const clock = new FakeClock()
    let fired = false
    clock.setTimer(10, () => {
      fired = true
    })
    clock.stepWallTo(FAKE_START_MS + 1_000_000)
    expect(fired).toBe(false)
    clock.advance(10)
    expect(fired).toBe(true)
    expect(clock.nowMs()).toBe(FAKE_START_MS + 1_000_010)
  })
})
