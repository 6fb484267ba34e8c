import { describe, expect, test } from 'vitest'
import { silentLogger } from '../../../src/kernel/platform.ts'
import { batchOf } from '../../../src/record/index.ts'
import { Topics } from '../../../src/topics/index.ts'
import { FakeClock } from '../../support/fakeClock.ts'
import { StubEngine } from '../../support/stubEngine.ts'

async function setup({ waitersMax = 100 } = {}) {
  const clock = new FakeClock()
  const platform = { clock, random: () => 0, logger: silentLogger }
  const topics = new Topics({ engine: new StubEngine(), platform, settings: { waitersMax } })
  await topics.start()
  await topics.create({ name: 't', partitions: 3 })
  await topics.create({ name: 'u', partitions: 1 })
  const publish = async (topic: string, partition: number, ...values: string[]) => {
    const batch = batchOf(...values.map((value) => ({ value })))
    await topics.get(topic).partition(partition).append(batch, 'leader')
  }
  /** Items `t-1@4`; answers `index:count` or `index:code`. */
  const fetch = async (
    items: string,
    { waitMs = 0, signal = undefined as AbortSignal | undefined, maxBytes = 1_000_000 } = {},
  ) => {
    const reads = items.split(' ').map((item) => {
      const [, topic = '', partition, offset] = /^(\w+)-(\d+)@(\d+)$/.exec(item) ?? []
      return { topic, partition: Number(partition), offset: Number(offset) }
    })
    const limit = { maxBytes, maxRecords: 1_000_000 }
    const fetched = await topics.fetcher.fetch(reads, limit, { waitMs, signal })
    return fetched.map(({ index, result, error }) => `${index}:${result?.count ?? error?.code}`)
  }
  return { topics, clock, publish, fetch }
}

const rejection = (code: string) => expect.objectContaining({ code })

describe('a fetch', () => {
  test('reads several partitions of several topics at once', async () => {
    const { publish, fetch } = await setup()
    await publish('t', 0, 'a', 'b')
    await publish('u', 0, 'c')
    expect((await fetch('t-0@1 t-1@0 u-0@0')).sort()).toEqual(['0:1', '2:1'])
  })

  test('shares its limit out among those that have something', async () => {
    const { publish, fetch } = await setup()
    const value = 'x'.repeat(68)
    for (const partition of [0, 1, 2]) await publish('t', partition, ...Array(20).fill(value))
    const items = 't-0@0 t-1@0 t-2@0'
    expect((await fetch(items, { maxBytes: 600 })).sort()).toEqual(['0:2', '1:2', '2:2'])
    expect(await fetch('t-0@20 t-1@20 t-2@10', { maxBytes: 600 })).toEqual(['2:6'])
  })

  test('begins with another partition as the offsets move on', async () => {
    const { publish, fetch } = await setup()
    await publish('t', 0, ...Array(9).fill('x'))
    await publish('t', 1, ...Array(9).fill('x'))
    const first = { maxBytes: 1 }
    expect(await fetch('t-0@0 t-1@0', first)).toEqual(['0:1'])
    expect(await fetch('t-0@1 t-1@0', first)).toEqual(['1:1'])
  })

  test('says of each read what is wrong with it', async () => {
    const { publish, fetch } = await setup()
    await publish('t', 0, 'a')
    expect((await fetch('no-0@0 t-9@0 t-1@7 t-0@0', { waitMs: 1_000 })).sort()).toEqual([
      '0:TOPIC_NOT_FOUND',
      '1:PARTITION_NOT_FOUND',
      '2:OFFSET_OUT_OF_RANGE',
      '3:1',
    ])
  })
})

describe('a fetch that waits', () => {
  test('is woken by an append to one of its partitions and by no other', async () => {
    const { topics, publish, fetch } = await setup()
    const answer = fetch('t-0@0 u-0@0', { waitMs: 1_000 })
    await publish('t', 1, 'elsewhere')
    expect(topics.waiterCount).toBe(1)
    await publish('u', 0, 'here')
    expect(await answer).toEqual(['1:1'])
    expect(topics.waiterCount).toBe(0)
  })

  test('ends with nothing when the time is up, and leaves nothing behind', async () => {
    const { topics, clock, fetch } = await setup()
    const timersBefore = clock.pendingTimers
    const answer = fetch('t-0@0', { waitMs: 1_000 })
    clock.advance(1_000)
    expect(await answer).toEqual([])
    expect([topics.waiterCount, clock.pendingTimers]).toEqual([0, timersBefore])
  })

  test('ends when its caller is gone', async () => {
    const { topics, fetch } = await setup()
    const gone = new AbortController()
    const answer = fetch('t-0@0', { waitMs: 1_000, signal: gone.signal })
    gone.abort()
    await expect(answer).rejects.toEqual(rejection('CANCELLED'))
    const late = fetch('t-0@0', { waitMs: 1_000, signal: gone.signal })
    await expect(late).rejects.toEqual(rejection('CANCELLED'))
    expect(topics.waiterCount).toBe(0)
  })

  test('hears of a topic that is deleted', async () => {
    const { topics, fetch } = await setup()
    const answer = fetch('t-0@0 u-0@0', { waitMs: 1_000 })
    await topics.delete('u')
    expect(await answer).toEqual(['1:TOPIC_NOT_FOUND'])
  })

  test('counts as one waiter, and one too many is refused', async () => {
    const { topics, fetch, clock } = await setup({ waitersMax: 1 })
    const answer = fetch('t-0@0 t-1@0 t-2@0', { waitMs: 1_000 })
    expect(topics.waiterCount).toBe(1)
    await expect(fetch('t-0@0', { waitMs: 1 })).rejects.toEqual(rejection('TOO_MANY_WAITERS'))
    clock.advance(1_000)
    await answer
  })

  test('is answered when the topics are released, and later ones do not wait', async () => {
    const { topics, fetch } = await setup()
    const answer = fetch('t-0@0', { waitMs: 1_000 })
    topics.releaseWaiters()
    expect(await answer).toEqual([])
    expect(await fetch('t-0@0', { waitMs: 1_000 })).toEqual([])
  })
})
