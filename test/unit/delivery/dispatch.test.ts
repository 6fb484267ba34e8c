import { describe, expect, test } from 'vitest'
import { house, soon, values } from './house.ts'

async function setup(partitions = 1, members = ['a'], assignment: 'range' | 'shared' = 'range') {
  const home = await house(partitions)
  for (const memberId of members) await home.join(memberId, { assignment })
  const waiting = (count: number) => soon(() => home.delivery.waiterCount === count)
  return { home, waiting }
}

describe('polls that wait', () => {
  test('are served in their order, each by the append that brings something', async () => {
    const { home, waiting } = await setup(1, ['a', 'b', 'c'], 'shared')
    const order: string[] = []
    const polls = ['b', 'c', 'a'].map(async (memberId) => {
      const handed = await home.poll({ memberId, waitMs: 30_000, maxMessages: 1 })
      order.push(`${memberId}${values(handed)}`)
    })
    await waiting(3)
    await home.publish('t', 0, 'x')
    await waiting(2)
    await home.publish('t', 0, 'y', 'z')
    await Promise.all(polls)
    expect(order).toEqual(['bx', 'cy', 'az'])
  })

  test('of a range group are served by their own partitions only', async () => {
    const { home, waiting } = await setup(2, ['a', 'b'])
    const ofB = home.poll({ memberId: 'b', waitMs: 30_000 })
    await waiting(1)
    const ofA = home.poll({ memberId: 'a', waitMs: 30_000 })
    await waiting(2)
    await home.publish('t', 0, 'x')
    expect(values(await ofA)).toBe('x')
    await home.publish('t', 1, 'y')
    expect(values(await ofB)).toBe('y')
  })

  test('are passed over once their caller is gone', async () => {
    const { home, waiting } = await setup(1, ['a', 'b'], 'shared')
    const gone = new AbortController()
    const lost = home.poll({ waitMs: 30_000 }, gone.signal)
    await waiting(1)
    const other = home.poll({ memberId: 'b', waitMs: 30_000 })
    await waiting(2)
    gone.abort()
    await expect(lost).rejects.toMatchObject({ code: 'CANCELLED' })
    await home.publish('t', 0, 'x')
    expect(values(await other)).toBe('x')
  })

  test('end when the same member polls again: it has one at a time', async () => {
    const { home, waiting } = await setup()
    const first = home.poll({ waitMs: 30_000 })
    await waiting(1)
    const second = home.poll({ waitMs: 30_000 })
    expect(await first).toEqual([])
    await home.publish('t', 0, 'x')
    expect(values(await second)).toBe('x')
  })

  test('are served by the end of a backoff, and by what a client never got', async () => {
    const { home, waiting } = await setup(1, ['a', 'b'], 'shared')
    await home.publish('t', 0, 'x')
    await home.say('nack', await home.poll(), 500)
    const answer = home.poll({ memberId: 'b', waitMs: 30_000 })
    await waiting(1)
    home.clock.advance(500)
    expect(await answer).toMatchObject([{ value: 'x', deliveries: 2 }])
    await home.publish('t', 0, 'y')
    const { putBack } = await home.take()
    const again = home.poll({ memberId: 'b', waitMs: 30_000 })
    await waiting(1)
    putBack()
    expect(await again).toMatchObject([{ value: 'y', deliveries: 1 }])
  })

  test('are served once a lease that ran out makes room', async () => {
    const { home, waiting } = await setup()
    await home.delivery.setPolicy('group', 'g', { inFlightMax: 1, backoffMs: 3_600_000 })
    await home.publish('t', 0, 'x', 'y')
    expect(values(await home.poll())).toBe('x')
    const answer = home.poll({ waitMs: 60_000 })
    await waiting(1)
    home.clock.advance(30_000)
    expect(values(await answer)).toBe('y')
  })

  test('of who leaves get nothing of what it gives back', async () => {
    const { home, waiting } = await setup(1, ['a', 'b'], 'shared')
    await home.publish('t', 0, 'x')
    await home.poll({ maxMessages: 1 })
    const own = home.poll({ waitMs: 30_000 })
    await waiting(1)
    const other = home.poll({ memberId: 'b', waitMs: 30_000 })
    await waiting(2)
    await home.delivery.release('g', 'a')
    expect(await own).toEqual([])
    expect(await other).toMatchObject([{ value: 'x', deliveries: 2 }])
  })

  test('are answered when the broker stops', async () => {
    const { home, waiting } = await setup()
    const answer = home.poll({ waitMs: 30_000 })
    await waiting(1)
    await home.stop()
    expect(await answer).toEqual([])
  })
})

describe('a poll', () => {
  test('takes from the partitions in rotation, and no more bytes than it asked for', async () => {
    const { home } = await setup(2)
    for (const partition of [0, 1]) await home.publish('t', partition, ...'abcd')
    const first = await home.poll({ maxMessages: 4 })
    expect(new Set(first.map(({ partition }) => partition)).size).toBe(1)
    const second = await home.poll({ maxMessages: 4 })
    expect(second[0]?.partition).not.toBe(first[0]?.partition)
    await home.publish('t', 0, 'x'.repeat(400), 'y'.repeat(400), 'z'.repeat(400))
    expect(await home.poll({ maxBytes: 900 })).toHaveLength(2)
    expect(await home.poll({ maxBytes: 10 })).toMatchObject([{ deliveries: 1 }])
  })

  test('of a member whose partition another one had leaves it what it holds', async () => {
    const { home } = await setup(1, ['b'])
    await home.publish('t', 0, 'x', 'y')
    const held = await home.poll({ memberId: 'b', maxMessages: 1 })
    await home.join('a')
    expect(values(await home.poll())).toBe('y')
    expect(await home.say('ack', held)).toEqual(['done'])
    expect(home.lag).toBe(1)
  })

  test('says what retention took and goes on behind it', async () => {
    const { home } = await setup()
    await home.publish('t', 0, 'a')
    await home.publish('t', 0, 'b')
    await home.publish('t', 0, 'c')
    const [a] = await home.poll({ maxMessages: 1 })
    const log = home.engine.openLogs.get(`${home.topics.get('t').path}/0`)
    await log?.truncateBefore(2)
    expect(values(await home.poll())).toBe('c')
    expect(home.delivery.figures().retentionSkipped).toBe(1)
    expect(home.warnings).toMatchObject([{ group: 'g', records: 1, earliest: 2 }])
    expect(await home.say('ack', a === undefined ? [] : [a])).toEqual(['done'])
  })
})

describe('members that are gone', () => {
  test('give back what they held: dead ones count as a failure and their records come alone', async () => {
    const { home } = await setup(1, [])
    await home.join('a', { sessionTimeoutMs: 10_000 })
    await home.publish('t', 0, ...'abc')
    await home.poll({ visibilityMs: 600_000 })
    home.clock.advance(10_001)
    await home.join('b')
    home.clock.advance(2_000)
    for (const value of 'abc') {
      const handed = await home.poll({ memberId: 'b' })
      expect(handed).toMatchObject([{ value, deliveries: 2 }])
      await home.say('ack', handed)
    }
    expect(home.delivery.figures()).toMatchObject({ deaths: 3, unresolved: 0 })
  })

  test('take nothing along when their group is deleted, or their topic made again', async () => {
    const { home } = await setup()
    await home.publish('t', 0, 'x')
    await home.poll()
    await home.topics.delete('t')
    await home.topic('t')
    await home.publish('t', 0, 'new')
    await home.join('a')
    expect(values(await home.poll())).toBe('new')
    await home.delivery.release('g', 'a')
    await home.groups.leave('g', 'a')
    await home.groups.delete('g')
    expect(home.delivery.figures()).toMatchObject({ windows: 0, unresolved: 0 })
  })
})

describe('the wall clock', () => {
  test('neither ends a lease nor makes it last when it is set', async () => {
    const { home } = await setup()
    await home.publish('t', 0, 'x')
    await home.poll()
    home.clock.stepWallTo(home.clock.nowMs() + 3_600_000)
    home.clock.advance(29_000)
    expect(home.delivery.figures()).toMatchObject({ inFlight: 1, expiries: 0 })
    home.clock.stepWallTo(home.clock.nowMs() - 7_200_000)
    home.clock.advance(1_001)
    expect(home.delivery.figures()).toMatchObject({ inFlight: 0, expiries: 1 })
  })
})
