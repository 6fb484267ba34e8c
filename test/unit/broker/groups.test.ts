/** What a program that holds the broker in its own process may ask of its groups. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { Broker, type OperationName, type Operations } from '../../../src/broker/index.ts'
import { INTERNAL_CALLER } from '../../../src/kernel/caller.ts'
import { silentLogger } from '../../../src/kernel/platform.ts'
import { FakeClock } from '../../support/fakeClock.ts'
import { SeededRandom } from '../../support/random.ts'
import { StubEngine } from '../../support/stubEngine.ts'

async function setup() {
  const clock = new FakeClock()
  const platform = { clock, random: new SeededRandom(1).next, logger: silentLogger }
  const broker = new Broker({ engine: new StubEngine(), platform })
  onTestFinished(() => broker.stop())
  await broker.start()
  await broker.createTopic('t', { partitions: 2 })
  const call = <N extends OperationName>(name: N, input: Operations[N]['input']) =>
    broker.call(name, input, INTERNAL_CALLER)
  const join = { group: 'g', clientId: 'c', memberId: 'a', topics: ['t'] } as const
  await call('groups.join', { ...join, mode: 'offset' })
  return { broker, clock, call }
}

const POLL = {
  group: 'g',
  memberId: 'a',
  maxMessages: 10,
  maxBytes: 1_000,
  waitMs: 0,
  autoCommit: false,
}
const FETCH = { group: 'g', memberId: 'a', generation: 1, reads: [], maxBytes: 1_000, waitMs: 0 }
const read = (partition: number, offset: number) => ({ topic: 't', partition, offset })

describe('group operations', () => {
  test.each([
    ['groups.poll', { ...POLL, maxMessages: 0 }, 'maxMessages'],
    ['groups.poll', { ...POLL, maxBytes: Number.NaN }, 'maxBytes'],
    ['groups.poll', { ...POLL, waitMs: -1 }, 'waitMs'],
    ['groups.fetch', { ...FETCH, reads: [read(0, -1)] }, 'reads[0].offset'],
    ['groups.fetch', { ...FETCH, reads: [read(0.5, 0)] }, 'reads[0].partition'],
    [
      'records.fetch',
      { reads: [read(0, 0), read(0, 2 ** 60)], maxBytes: 1, waitMs: 0 },
      'reads[1].offset',
    ],
    ['records.fetch', { reads: Array(10_001).fill(read(0, 0)), maxBytes: 1, waitMs: 0 }, 'reads'],
    ['groups.commit', { group: 'g', memberId: 'a', floors: [read(0, -1)] }, 'floors[0].offset'],
    ['groups.reset', { group: 'g', topic: 't', to: { offset: 0.5 }, dryRun: false }, 'to'],
    ['groups.reset', { group: 'g', topic: 't', to: { timeMs: Number.NaN }, dryRun: false }, 'to'],
  ] as const)('%s refuses what cannot be meant: %#', async (name, input, field) => {
    const { call } = await setup()
    await expect(call(name, input)).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      fields: { [field]: expect.any(String) },
    })
  })

  test('wait no longer than a long poll may', async () => {
    const { broker, clock, call } = await setup()
    const answer = call('groups.poll', { ...POLL, waitMs: 1e9 })
    while (broker.load().waiters === 0) await new Promise(setImmediate)
    clock.advance(60_000)
    expect(await answer).toMatchObject({ rebalance: false, value: { parts: [] } })
  })

  test('are among the figures and the checks of the broker', async () => {
    const { broker, clock, call } = await setup()
    await call('groups.commit', { group: 'g', memberId: 'a', floors: [read(0, 1)] })
    expect(broker.groupFigures()).toMatchObject({ groups: 1, members: 1, commits: 1, evictions: 0 })
    clock.advance(30_000)
    expect(broker.groupFigures()).toMatchObject({ groups: 1, members: 0, evictions: 1 })
    expect(broker.health()).toContainEqual(
      expect.objectContaining({ name: 'groups', status: 'pass' }),
    )
  })

  test('tell committed offsets of one topic or of all', async () => {
    const { call } = await setup()
    await call('groups.commit', { group: 'g', memberId: 'a', floors: [read(1, 7)] })
    const expected = new Map([['t', new Map([[1, 7]])]])
    expect(await call('groups.offsets', { group: 'g' })).toEqual(expected)
    expect(await call('groups.offsets', { group: 'g', topic: 't' })).toEqual(expected)
    expect(await call('groups.offsets', { group: 'g', topic: 'u' })).toEqual(new Map())
  })
})
