import { describe, expect, test } from 'vitest'
import { type TimerId, TimerWheel, WHEEL_SPAN_MS } from '../../../src/timing/index.ts'

const START_MS = Date.UTC(2026, 10, 22)
const ALL = Number.POSITIVE_INFINITY

const firedAt = <T>(wheel: TimerWheel<T>, nowMs: number, max = ALL): T[] => {
  const fired: T[] = []
  wheel.advance(nowMs, max, (payload) => fired.push(payload))
  return fired
}

describe('timer wheel', () => {
  test.each([1, 9, 10, 11, 2_559, 2_560, 2_561, 163_839, 163_840, 163_841, 10_485_759, 10_485_760])(
    'a timer of %d ms fires at its millisecond, not one before',
    (delayMs) => {
      for (const startMs of [START_MS, START_MS + 7, START_MS - 1]) {
        const wheel = new TimerWheel<string>(startMs)
        wheel.add(startMs + delayMs, 'timer')
        expect(firedAt(wheel, startMs + delayMs - 1)).toEqual([])
        expect(firedAt(wheel, startMs + delayMs)).toEqual(['timer'])
        expect(wheel.size).toBe(0)
      }
    },
  )

  test.each([WHEEL_SPAN_MS - 1, WHEEL_SPAN_MS, WHEEL_SPAN_MS + 1, 5 * WHEEL_SPAN_MS + 12_345])(
    'a timer of %d ms keeps its time at the end of the span and beyond it',
    (delayMs) => {
      const wheel = new TimerWheel<string>(START_MS)
      wheel.add(START_MS + delayMs, 'far')
      for (let at = wheel.nextDueMs() ?? 0; at < START_MS + delayMs; at = wheel.nextDueMs() ?? 0) {
        expect(firedAt(wheel, at)).toEqual([])
      }
      expect(wheel.nextDueMs()).toBe(START_MS + delayMs)
      expect(firedAt(wheel, START_MS + delayMs)).toEqual(['far'])
    },
  )

  test('a timer that was put aside fires when its tick is over, though no other slot holds anything', () => {
    const wheel = new TimerWheel<string>(START_MS)
    for (const delayMs of [5, 9]) wheel.add(START_MS + delayMs, `${delayMs}`)
    expect(firedAt(wheel, START_MS + 6)).toEqual(['5'])
    expect(firedAt(wheel, START_MS + 25)).toEqual(['9'])
  })

  test('levels count what stands where', () => {
    const wheel = new TimerWheel<number>(0)
    for (const delayMs of [0, 5, 2_000, 3_000, 200_000, 11_000_000]) wheel.add(delayMs, delayMs)
    expect(wheel.levels()).toEqual([3, 1, 1, 1])
    firedAt(wheel, 10_485_760)
    expect(wheel.levels()).toEqual([0, 0, 1, 0])
  })

  test('a drain may cancel what it has yet to fire', () => {
    const wheel = new TimerWheel<number>(START_MS)
    const ids: TimerId[] = []
    for (let nth = 0; nth < 10; nth += 1) ids.push(wheel.add(START_MS + 25, nth))
    const fired: number[] = []
    wheel.advance(START_MS + 30, ALL, (nth) => {
      fired.push(nth)
      for (const id of ids.slice(nth + 1, nth + 3)) wheel.cancel(id)
    })
    expect(fired).toEqual([0, 3, 6, 9])
    expect(wheel.size).toBe(0)
  })

  test('what a drain adds past due fires in the same drain, within the maximum', () => {
    const wheel = new TimerWheel<number>(START_MS)
    const fired: number[] = []
    const again = (nth: number): void => {
      fired.push(nth)
      wheel.add(START_MS, nth + 1)
    }
    wheel.add(START_MS, 0)
    expect(wheel.advance(START_MS + 1, 4, again)).toBe(4)
    expect(fired).toEqual([0, 1, 2, 3])
    expect(wheel.size).toBe(1)
  })

  test('what a call may not fire is due in the next, and nothing due is passed over', () => {
    const wheel = new TimerWheel<number>(START_MS)
    for (let nth = 0; nth < 1_000; nth += 1) wheel.add(START_MS + 5_000 + (nth % 100), nth)
    const nowMs = START_MS + 60_000
    let fired = 0
    let calls = 0
    for (; (wheel.nextDueMs() ?? ALL) <= nowMs; calls += 1) {
      const count = firedAt(wheel, nowMs, 7).length
      expect(count).toBeLessThanOrEqual(7)
      fired += count
    }
    expect(fired).toBe(1_000)
    expect(calls).toBeLessThan(1_000)
  })

  test('a time that went back fires nothing, and a rewind places all timers anew', () => {
    const wheel = new TimerWheel<string>(START_MS)
    const hourMs = 3_600_000
    wheel.add(START_MS + hourMs, 'in an hour')
    expect(firedAt(wheel, START_MS + hourMs - 1)).toEqual([])
    expect(firedAt(wheel, START_MS)).toEqual([])
    wheel.rewind(START_MS)
    wheel.add(START_MS + 50, 'soon')
    expect(firedAt(wheel, START_MS + 49)).toEqual([])
    expect(firedAt(wheel, START_MS + 50)).toEqual(['soon'])
    expect(firedAt(wheel, START_MS + hourMs)).toEqual(['in an hour'])
  })

  test('an id names its timer alone, also when all memory has been given back between', () => {
    const wheel = new TimerWheel<number>(START_MS)
    const old = Array.from({ length: 100_000 }, (_, nth) => wheel.add(START_MS + nth, nth))
    expect(firedAt(wheel, START_MS + 100_000)).toHaveLength(100_000)
    const young = Array.from({ length: 100_000 }, (_, nth) => wheel.add(START_MS + 200_000, nth))
    expect(old.filter((id) => wheel.cancel(id) !== undefined)).toEqual([])
    expect(young.filter((id, nth) => wheel.cancel(id) !== nth)).toEqual([])
  })

  test('what a timer throws leaves the others where they were', () => {
    const wheel = new TimerWheel<string>(START_MS)
    for (const name of ['bad', 'good']) wheel.add(START_MS, name)
    expect(() =>
      wheel.advance(START_MS, ALL, () => {
        throw new Error('bad')
      }),
    ).toThrow('bad')
    expect(firedAt(wheel, START_MS)).toEqual(['good'])
  })

  test('a time that is no number is refused', () => {
    expect(() => new TimerWheel<string>().add(Number.NaN, 'never')).toThrow('not a time')
  })
})

describe('many timers of one tick', () => {
  test('do not hide the one that is due behind those that are not', () => {
    const wheel = new TimerWheel<number>(0)
    for (let i = 0; i < 100; i += 1) wheel.add(19, i)
    wheel.add(12, 1_000)
    const fired: number[] = []
    const calls = (nowMs: number): number => {
      let count = 0
      while ((wheel.nextDueMs() ?? Number.POSITIVE_INFINITY) <= nowMs && count < 1_000) {
        wheel.advance(nowMs, 1, (payload) => fired.push(payload))
        count += 1
      }
      return count
    }
    expect(calls(12)).toBeLessThan(20)
    expect(fired).toEqual([1_000])
    expect(wheel.nextDueMs()).toBe(19)
    calls(18)
    expect(fired).toHaveLength(1)
    calls(19)
    expect(fired).toHaveLength(101)
  })
})
