import { describe, expect, test } from 'vitest'
import { RebalanceNotice } from '../../../src/groups/notice.ts'
import { FakeClock } from '../../support/fakeClock.ts'

function setup(audience = { members: 3, away: 0 }) {
  const clock = new FakeClock()
  const notice = new RebalanceNotice(clock, () => audience)
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

  test('of a large group whose members keep coming gathers for longer, up to a second', () => {
    for (const [members, toldMs] of [
      [50, 100],
      [200, 400],
      [1_000, 1_000],
    ] as const) {
      const { clock, notice, told, listen } = setup({ members, away: 0 })
      listen()
      for (let i = 0; i < 100 && told.length === 0; i += 1) {
        notice.changed()
        clock.advance(10)
      }
      expect(told).toEqual([toldMs])
    }
  })

  test('waits while most of those told last are on their way back, for a second at most', () => {
    const audience = { members: 3, away: 2 }
    const back = setup(audience)
    back.listen()
    back.notice.changed()
    back.clock.advance(200)
    audience.away = 1
    back.clock.advance(20)
    expect(back.told).toEqual([220])
    const never = setup({ members: 3, away: 3 })
    never.listen()
    never.notice.changed()
    never.clock.advance(5_000)
    expect(never.told).toEqual([1_000])
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
