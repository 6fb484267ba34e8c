import { describe, expect, test } from 'vitest'
import { RebalanceNotice } from '../../../src/groups/notice.ts'
import { FakeClock } from '../../support/fakeClock.ts'

function setup() {
  const clock = new FakeClock()
  const notice = new RebalanceNotice(clock)
  const told: number[] = []
  const listen = () => notice.subscribe(() => told.push(clock.monotonicMs()))
  return { clock, notice, told, listen }
}

describe('a rebalance notice', () => {
  test('comes 20 ms after a change', () => {
    const { clock, notice, told, listen } = setup()
    listen()
    notice.changed(3)
    clock.advance(19)
    expect([told, notice.isPending]).toEqual([[], true])
    clock.advance(1)
    expect([told, notice.isPending]).toEqual([[20], false])
  })

  test('gathers changes that follow each other, for 100 ms at most', () => {
    const { clock, notice, told, listen } = setup()
    listen()
    for (let i = 0; i < 50; i += 1) {
      notice.changed(3)
      clock.advance(10)
      if (told.length > 0) break
    }
    expect(told).toEqual([100])
  })

  test('of a large group whose members keep coming gathers for longer, up to a second', () => {
    for (const [members, toldMs] of [
      [50, 100],
      [200, 400],
      [1_000, 1_000],
    ] as const) {
      const { clock, notice, told, listen } = setup()
      listen()
      for (let i = 0; i < 100 && told.length === 0; i += 1) {
        notice.changed(members)
        clock.advance(10)
      }
      expect(told).toEqual([toldMs])
    }
  })

  test('is told once, and to those who still listen', () => {
    const { clock, notice, told, listen } = setup()
    listen()
    const stop = listen()
    stop()
    notice.changed(3)
    clock.advance(20)
    notice.changed(3)
    clock.advance(20)
    expect(told).toEqual([20])
    expect(clock.pendingTimers).toBe(0)
  })
})
