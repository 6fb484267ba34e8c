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
    notice.changed()
    clock.advance(19)
    expect([told, notice.isPending]).toEqual([[], true])
    clock.advance(1)
    expect([told, notice.isPending]).toEqual([[20], false])
  })

  test('gathers changes that follow each other, for 100 ms at most', () => {
    const { clock, notice, told, listen } = setup()
    listen()
    for (let i = 0; i < 50; i += 1) {
      notice.changed()
      clock.advance(10)
      if (told.length > 0) break
    }
    expect(told).toEqual([100])
  })

  test('is told once, and to those who still listen', () => {
    const { clock, notice, told, listen } = setup()
    listen()
    const stop = listen()
    stop()
    notice.changed()
    clock.advance(20)
    notice.changed()
    clock.advance(20)
    expect(told).toEqual([20])
    expect(clock.pendingTimers).toBe(0)
  })
})
