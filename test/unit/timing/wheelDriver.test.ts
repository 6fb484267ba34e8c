import { describe, expect, test } from 'vitest'
import { WheelDriver } from '../../../src/timing/index.ts'
import { FakeClock } from '../../support/fakeClock.ts'

interface Fired {
  readonly name: string
  /** The wall clock's time when it fired, from the start of the test. */
  readonly atMs: number
}

const house = (options: { firesPerTurnMax?: number } = {}) => {
  const clock = new FakeClock()
  const startMs = clock.nowMs()
  const fired: Fired[] = []
  const driver = new WheelDriver<string>({
    ...options,
    clock,
    fire: (name) => fired.push({ name, atMs: clock.nowMs() - startMs }),
  })
  const add = (delayMs: number, name: string) => driver.add(startMs + delayMs, name)
  return { clock, startMs, fired, driver, add }
}

describe('wheel driver', () => {
  test('timers fire at their millisecond, in order', () => {
    const { clock, fired, add } = house()
    for (const delayMs of [12_345, 3, 700, 7_654_321]) add(delayMs, `${delayMs}`)
    clock.advance(3 * 3_600_000)
    expect(fired).toEqual([3, 700, 12_345, 7_654_321].map((atMs) => ({ name: `${atMs}`, atMs })))
  })

  test('no timer of the clock runs while the wheel is empty', () => {
    const { clock, driver, add } = house()
    expect(clock.pendingTimers).toBe(0)
    const id = add(5_000, 'cancelled')
    add(10, 'fires')
    clock.advance(20)
    expect(clock.pendingTimers).toBe(1)
    expect(driver.cancel(id)).toBe('cancelled')
    expect(clock.pendingTimers).toBe(0)
    const before = clock.firedTimers
    clock.advance(3_600_000)
    expect(clock.firedTimers).toBe(before)
  })

  test('a timer added after a long idle time keeps its time', () => {
    const { clock, fired, driver, add } = house()
    add(1, 'first')
    clock.advance(30 * 86_400_000)
    driver.add(clock.nowMs() + 15, 'second')
    clock.advance(14)
    expect(fired).toHaveLength(1)
    clock.advance(1)
    expect(fired.at(-1)?.name).toBe('second')
  })

  test('one that is sooner than all others is waited for', () => {
    const { clock, fired, add } = house()
    add(800, 'later')
    add(30, 'sooner')
    clock.advance(30)
    expect(fired).toEqual([{ name: 'sooner', atMs: 30 }])
  })

  test('one that is past due fires soon, and not within the call', () => {
    const { clock, fired, add } = house()
    add(-60_000, 'late')
    expect(fired).toEqual([])
    clock.advance(0)
    expect(fired).toEqual([{ name: 'late', atMs: 0 }])
  })

  test('many that are due at once fire over several turns', () => {
    const { clock, fired, driver, add } = house({ firesPerTurnMax: 1_000 })
    for (let nth = 0; nth < 2_500; nth += 1) add(100, `${nth}`)
    const turns: number[] = []
    const watch = (): void => {
      turns.push(fired.length)
      if (driver.size > 0) clock.setTimer(0, watch)
    }
    clock.setTimer(100, watch)
    clock.advance(100)
    expect(turns).toContain(1_000)
    expect(turns).toContain(2_000)
    expect(fired).toHaveLength(2_500)
    expect(fired.every(({ atMs }) => atMs === 100)).toBe(true)
  })

  test('a step of the wall clock ahead is seen within a second', () => {
    const { clock, startMs, fired, add } = house()
    add(3_600_000, 'in an hour')
    clock.advance(10)
    clock.stepWallTo(startMs + 7_200_000)
    clock.advance(1_000)
    expect(fired).toHaveLength(1)
  })

  test.each([60, 7_200_000])('after a step of %d ms back nothing fires early or late', (stepMs) => {
    const { clock, startMs, fired, driver, add } = house()
    add(3_600_000, 'in an hour')
    clock.advance(5_000)
    clock.stepWallTo(startMs + 5_000 - stepMs)
    driver.add(clock.nowMs() + 1_500, 'soon')
    clock.advance(1_499)
    expect(fired).toEqual([])
    clock.advance(1)
    expect(fired).toEqual([{ name: 'soon', atMs: 6_500 - stepMs }])
    clock.advance(3_600_000 - (6_500 - stepMs) - 1)
    expect(fired).toHaveLength(1)
    clock.advance(1)
    expect(fired.at(-1)).toEqual({ name: 'in an hour', atMs: 3_600_000 })
  })

  test('what fires may add and cancel', () => {
    const clock = new FakeClock()
    const fired: number[] = []
    const driver: WheelDriver<number> = new WheelDriver({
      clock,
      fire: (nth) => {
        fired.push(nth)
        if (nth < 3) driver.add(clock.nowMs() + 20, nth + 1)
        if (nth === 2) driver.cancel(doomed)
      },
    })
    const doomed = driver.add(clock.nowMs() + 1_000, 99)
    driver.add(clock.nowMs(), 0)
    clock.advance(2_000)
    expect(fired).toEqual([0, 1, 2, 3])
    expect(clock.pendingTimers).toBe(0)
  })

  test('the others still fire after one that threw', () => {
    const clock = new FakeClock()
    const fired: string[] = []
    const driver = new WheelDriver<string>({
      clock,
      fire: (name) => {
        if (name === 'bad') throw new Error('bad')
        fired.push(name)
      },
    })
    for (const name of ['bad', 'good']) driver.add(clock.nowMs() + 10, name)
    expect(() => clock.advance(10)).toThrow('bad')
    clock.advance(0)
    expect(fired).toEqual(['good'])
  })

  test('after stop nothing fires', () => {
    const { clock, fired, driver, add } = house()
    add(10, 'forgotten')
    driver.stop()
    add(20, 'too late')
    clock.advance(60_000)
    expect(fired).toEqual([])
    expect(clock.pendingTimers).toBe(0)
  })
})
