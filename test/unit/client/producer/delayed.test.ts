import { describe, expect, test } from 'vitest'
import type { Message } from '../../../../src/client/index.ts'
import { drive } from '../../../support/drive.ts'
import { FAKE_START_MS } from '../../../support/fakeClock.ts'
import { type Bench, messages, publishes, setup } from './setup.ts'

const MINUTE_MS = 60_000

/** Time for which each record of the delay log waits, from the start of the test. */
const waits = ({ broker }: Bench, partition = 0): (number | undefined)[] =>
  broker
    .delayLog('t', partition)
    .records()
    .map(({ extension }) => extension?.origin && extension.origin.dueMs - FAKE_START_MS)

const send = (bench: Bench, message: Omit<Message, 'topic' | 'value'>) =>
  drive(bench.clock, bench.producer.send({ topic: 't', value: 'later', ...message }))

describe('a delayed message', () => {
  test.each([
    [{ delayMs: 90_000 }, 90_000],
    [{ delayMs: 0.25 }, 1],
    [{ delay: '1h30m' }, 90 * MINUTE_MS],
    [{ delay: 250 }, 250],
    [{ deliverAt: new Date(FAKE_START_MS + 5) }, 5],
    [{ deliverAt: FAKE_START_MS + 6 }, 6],
    [{ deliverAt: new Date(FAKE_START_MS + 7000).toISOString() }, 7000],
    [{ deliverAt: '2026-01-01T02:00:00+01:00' }, 60 * MINUTE_MS],
  ])('with %j waits %d ms in the delay log', async (when, waitMs) => {
    const bench = setup({ lingerMs: 0 })
    expect(await send(bench, when)).toEqual({
      topic: 't',
      partition: 0,
      offset: 0,
      timestamp: FAKE_START_MS,
      durability: 'disk',
      delayed: true,
      deliverAt: FAKE_START_MS + waitMs,
    })
    expect(waits(bench)).toEqual([waitMs])
    expect(bench.broker.values('t')).toEqual([])
  })

  test.each([
    { delayMs: 0 },
    { delay: '0s' },
    { deliverAt: new Date(FAKE_START_MS - 1) },
    { deliverAt: '2001-01-01T00:00:00Z' },
    { deliverAt: FAKE_START_MS },
  ])('with %j is one for now', async (when) => {
    const bench = setup({ lingerMs: 0 })
    expect(await send(bench, when)).not.toHaveProperty('delayed')
    expect(bench.broker.values('t')).toEqual(['later'])
  })

  test.each([
    { delayMs: -1 },
    { delayMs: Number.NaN },
    { delay: 'soon' },
    { delay: '-5m' },
    { deliverAt: 'tomorrow' },
    { deliverAt: '2030-01-01' },
    { deliverAt: new Date(Number.NaN) },
    { delayMs: 1, delay: '1s' },
    { delayMs: Number.MAX_SAFE_INTEGER },
  ])('with %j is refused before anything is sent', async (when) => {
    const bench = setup()
    const sent = bench.producer.sendBatch([...messages(2), { topic: 't', value: '', ...when }])
    await expect(sent).rejects.toMatchObject({ code: 'INVALID_REQUEST' })
    expect(publishes(bench)).toEqual([])
  })

  test('counts its delay from the call, also where it had to wait for its topic', async () => {
    const bench = setup({ lingerMs: 0 })
    bench.broker.fault = ({ path }) => (path === '/topics/t' ? { delayMs: 400 } : undefined)
    await send(bench, { delayMs: 1000 })
    expect(bench.clock.monotonicMs()).toBeGreaterThanOrEqual(400)
    expect(waits(bench)).toEqual([1000])
  })

  test('carries key, value, headers and priority along', async () => {
    const bench = setup({ lingerMs: 0 })
    for (const headers of [{ a: '1' }, undefined]) {
      await send(bench, { delayMs: 1, key: 'k', priority: 'low', headers })
    }
    const [first, second] = bench.broker.delayLog('t', 0).records()
    for (const record of [first, second]) {
      expect(record?.key?.toString()).toBe('k')
      expect(record?.value?.toString()).toBe('later')
      expect(record?.priority).toBe(3)
    }
    expect(first?.extension?.headers).toEqual({ a: '1' })
    expect(second?.extension?.headers).toBeUndefined()
  })

  test('goes to the partition of its key, as one for now does', async () => {
    const bench = setup({ lingerMs: 0, partitions: 8 })
    for (const key of ['a', 'b', 'c', 'd']) {
      const now = await send(bench, { key })
      expect((await send(bench, { key, delayMs: 5 })).partition).toBe(now.partition)
    }
  })

  test('gathers with others of its partition, whatever their times, and not with those for now', async () => {
    const bench = setup({ lingerMs: 5 })
    const sent = Array.from({ length: 20 }, (_, i) =>
      bench.producer.send({
        topic: 't',
        value: `${i}`,
        ...(i % 2 === 0 ? { delayMs: 20 - i } : {}),
      }),
    )
    const delivered = await drive(bench.clock, Promise.all(sent))
    expect(publishes(bench)).toHaveLength(2)
    expect(delivered.map(({ offset }) => offset)).toEqual(sent.map((_, i) => Math.floor(i / 2)))
    expect(waits(bench)).toEqual([20, 18, 16, 14, 12, 10, 8, 6, 4, 2])
  })

  test('without a key spreads over the partitions as others do', async () => {
    const bench = setup({ lingerMs: 0, partitions: 3, batchMessages: 10 })
    const later = Array.from({ length: 10 }, () => ({ topic: 't', value: '', delayMs: 9 }))
    for (let nth = 0; nth < 30; nth += 1) {
      await drive(bench.clock, bench.producer.sendBatch(later))
    }
    for (const partition of [0, 1, 2]) expect(waits(bench, partition)).toHaveLength(100)
  })

  test('is stored once where the answer to it was lost', async () => {
    const bench = setup({ lingerMs: 0 })
    let left = 3
    bench.broker.fault = ({ path }) =>
      path.endsWith('/messages') && left-- > 0 ? { dropReply: true } : undefined
    const sent = [send(bench, { delayMs: 7 }), send(bench, { delayMs: 8 })]
    await Promise.all(sent)
    expect(waits(bench)).toEqual([7, 8])
  })

  test('is among those that flush and close wait for', async () => {
    const bench = setup({ lingerMs: 60_000 })
    const sent = bench.producer.send({ topic: 't', value: '', delayMs: 60_000 })
    await bench.producer.flush()
    expect(await sent).toMatchObject({ delayed: true })
    const last = bench.producer.send({ topic: 't', value: '', delayMs: 60_000 })
    await bench.producer.close()
    expect(await last).toMatchObject({ offset: 1 })
    expect(bench.producer.bufferedBytes).toBe(0)
  })

  test('of a batch is told apart from those for now', async () => {
    const bench = setup({ lingerMs: 0 })
    const { producer, clock } = bench
    const later = { topic: 't', value: 'later', delay: '5s' }
    const now = { topic: 't', value: 'now' }
    const delivery = await drive(clock, producer.sendBatch([later, later, now, later]))
    const place = { topic: 't', partition: 0 }
    expect(delivery.positions()).toEqual([
      { ...place, offset: 0, delayed: true },
      { ...place, offset: 1, delayed: true },
      { ...place, offset: 0 },
      { ...place, offset: 2, delayed: true },
    ])
    expect(delivery.count).toBe(4)
  })
})

describe('an urgent message', () => {
  test.each(['critical', 'high'] as const)(
    'that is %s does not wait for company',
    async (priority) => {
      const bench = setup({ lingerMs: 60_000 })
      const { producer, broker, clock } = bench
      const before = producer.send({ topic: 't', value: 'before' })
      const urgent = producer.send({ topic: 't', value: 'urgent', priority })
      expect((await urgent).offset).toBe(1)
      expect((await before).offset).toBe(0)
      expect(broker.values('t')).toEqual(['before', 'urgent'])
      expect(clock.monotonicMs()).toBe(0)
    },
  )

  test('takes along nothing of other partitions', async () => {
    const bench = setup({ lingerMs: 60_000, partitions: 2 })
    const { producer, broker } = bench
    const slow = producer.send({ topic: 't', value: 'slow', partition: 0 })
    await producer.send({ topic: 't', value: 'urgent', partition: 1, priority: 'critical' })
    expect(broker.values('t', 0)).toEqual([])
    await producer.close()
    await slow
  })

  test('that is sent while others are under way goes beside them', async () => {
    const bench = setup({ lingerMs: 10 })
    const { producer, broker, clock } = bench
    await drive(clock, producer.send({ topic: 't', value: 'first' }))
    broker.fault = () => ({ replyDelayMs: 1000 })
    const slow = producer.send({ topic: 't', value: 'slow' })
    clock.advance(10)
    const sentMs = clock.monotonicMs()
    broker.fault = () => undefined
    await drive(clock, producer.send({ topic: 't', value: 'urgent', priority: 'critical' }))
    expect(clock.monotonicMs() - sentMs).toBeLessThan(10)
    await drive(clock, slow)
    expect(broker.values('t')).toEqual(['first', 'slow', 'urgent'])
  })

  test('has no hurry where it is delayed', async () => {
    const bench = setup({ lingerMs: 10 })
    const { producer, clock } = bench
    await drive(clock, producer.send({ topic: 't', value: 'known' }))
    const sentMs = clock.monotonicMs()
    const later = { topic: 't', value: 'later', delayMs: 500, priority: 'critical' as const }
    await drive(clock, Promise.all([producer.send(later), producer.send(later)]))
    expect(clock.monotonicMs() - sentMs).toBe(10)
    expect(publishes(bench)).toHaveLength(2)
  })
})
