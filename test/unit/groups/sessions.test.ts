import { describe, expect, test } from 'vitest'
import { Sessions } from '../../../src/groups/sessions.ts'
import type { Clock } from '../../../src/kernel/platform.ts'
import { FakeClock } from '../../support/fakeClock.ts'

function setup(clock: Clock & { advance(ms: number): void } = new FakeClock()) {
  const silent: string[][] = []
  const sessions: Sessions = new Sessions(clock, (memberIds) => {
    silent.push([...memberIds])
    for (const memberId of memberIds) sessions.remove(memberId)
  })
  return { clock, sessions, silent }
}

describe('a session', () => {
  test('ends after its timeout of silence and not before', () => {
    const { clock, sessions, silent } = setup()
    sessions.touch('a', 10_000)
    clock.advance(9_999)
    expect(silent).toEqual([])
    clock.advance(1)
    expect(silent).toEqual([['a']])
  })

  test('goes on with each sign of life', () => {
    const { clock, sessions, silent } = setup()
    for (let i = 0; i < 10; i += 1) {
      sessions.touch('a', 10_000)
      clock.advance(9_000)
    }
    expect(silent).toEqual([])
  })

  test('ends on time also beside one that lasts longer', () => {
    const { clock, sessions, silent } = setup()
    sessions.touch('slow', 60_000)
    sessions.touch('quick', 1_000)
    clock.advance(1_000)
    expect(silent).toEqual([['quick']])
    clock.advance(59_000)
    expect(silent).toEqual([['quick'], ['slow']])
  })

  test('is not over while a long poll of its member waits', () => {
    const { clock, sessions, silent } = setup()
    const session = sessions.touch('a', 1_000)
    session.waits = 1
    clock.advance(60_000)
    expect(silent).toEqual([])
    session.waits = 0
    clock.advance(1_000)
    expect(silent).toEqual([['a']])
  })

  test('that could not be ended is tried again a second later', () => {
    const clock = new FakeClock()
    const calls: number[] = []
    const sessions = new Sessions(clock, () => calls.push(clock.monotonicMs()))
    sessions.touch('a', 5_000)
    clock.advance(7_000)
    expect(calls).toEqual([5_000, 6_000, 7_000])
  })
})

describe('the timer of the sessions', () => {
  test('is one, and none while there are no members', () => {
    const clock = new FakeClock()
    const { sessions } = setup(clock)
    expect(clock.pendingTimers).toBe(0)
    for (let i = 0; i < 100; i += 1) sessions.touch(`m${i}`, 30_000)
    for (let i = 0; i < 100; i += 1) sessions.touch(`m${i}`, 30_000)
    expect(clock.pendingTimers).toBe(1)
    for (let i = 0; i < 100; i += 1) sessions.remove(`m${i}`)
    expect(clock.pendingTimers).toBe(0)
  })

  test('is not set again by heartbeats', () => {
    const clock = new FakeClock()
    const { sessions } = setup(clock)
    sessions.touch('a', 30_000)
    for (let i = 0; i < 60; i += 1) {
      clock.advance(1_000)
      sessions.touch('a', 30_000)
    }
    expect(clock.firedTimers).toBe(2)
  })

  test('that comes late, the process having been stopped, gives everybody that time once more', () => {
    const clock = new StallingClock()
    const { sessions, silent } = setup(clock)
    sessions.touch('a', 10_000)
    clock.stall(4_000)
    expect(silent).toEqual([])
    clock.advance(3_999)
    expect(silent).toEqual([])
    clock.advance(1)
    expect(silent).toEqual([['a']])
  })
})

describe('settledness', () => {
  test('is that every member has shown to know the generation', () => {
    const { sessions } = setup()
    const [a, b] = [sessions.touch('a', 1_000), sessions.touch('b', 1_000)]
    sessions.renew(1)
    expect(sessions.settled).toBe(false)
    sessions.adopt(a, 1)
    sessions.adopt(a, 1)
    expect(sessions.settled).toBe(false)
    sessions.adopt(b, 1)
    expect(sessions.settled).toBe(true)
    sessions.renew(2)
    sessions.adopt(a, 1)
    expect(sessions.settled).toBe(false)
  })
})

describe('members on their way back', () => {
  test('are those who were told of a generation that they do not know yet', () => {
    const { sessions } = setup()
    const [a, b] = [sessions.touch('a', 1_000), sessions.touch('b', 1_000)]
    sessions.renew(2)
    sessions.tell(a, 2)
    sessions.tell(a, 2)
    sessions.tell(b, 2)
    expect(sessions.away).toBe(2)
    sessions.adopt(a, 2)
    expect(sessions.away).toBe(1)
    sessions.remove('b')
    expect(sessions.away).toBe(0)
  })
})

/** A clock whose time can pass without its timers getting their turn. */
class StallingClock extends FakeClock {
  #stalledMs = 0

  override monotonicMs(): number {
    return super.monotonicMs() + this.#stalledMs
  }

  /** What is due within the next 10 s fires that much too late. */
  stall(ms: number): void {
    this.#stalledMs = ms
    super.advance(10_000)
  }
}
