/** Delayed messages over HTTP, under a clock that stands still until a test moves it. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { batchOf, decodeRecords, encodeWireBatch } from '../../../src/record/index.ts'
import { FAKE_START_MS, FakeClock } from '../../support/fakeClock.ts'
import { startHttpStub } from '../../support/httpStub.ts'

const RAW = { 'content-type': 'application/vnd.goqueue.records' }
const at = (ms: number): string => new Date(FAKE_START_MS + ms).toISOString()

async function setup({ partitions = 1 } = {}) {
  const clock = new FakeClock()
  const stub = await startHttpStub({ clock })
  onTestFinished(() => stub.stop())
  await stub.broker.createTopic('t', { partitions })
  const ask = async (method: string, path: string, json?: object) => {
    const answer = await stub.ask(method, path, json === undefined ? {} : { json })
    return [answer.status, answer.json] as const
  }
  return {
    ...{ stub, clock, ask },
    publish: async (...messages: object[]) => {
      const [status, json] = await ask('POST', '/topics/t/messages', { messages })
      expect(status).toBe(200)
      return json['results'] as readonly Record<string, unknown>[]
    },
    list: async (query = '') => {
      const [, json] = await ask('GET', `/topics/t/delayed?${query}`)
      return json as { messages: Record<string, unknown>[]; count: number; cursor: string }
    },
    /** What lies in the topic, once everything has come that is due after `ms` more. */
    passed: async (ms: number): Promise<(string | undefined)[]> => {
      clock.advance(ms)
      // What is due is read and appended in turns of the event loop.
      for (let i = 0; i < 20; i += 1) await new Promise<void>((resolve) => setImmediate(resolve))
      const { bytes } = await stub.broker.read('t', 0)
      return [...decodeRecords(bytes)].map(({ value }) => value?.toString())
    },
  }
}

describe('delayed messages over HTTP', () => {
  test('wait, are listed, and are delivered when they are due', async () => {
    const { publish, list, passed, stub } = await setup()
    const results = await publish(
      { key: 'k', value: 'later', delay: '30m', priority: 'critical', headers: { a: 'b' } },
      { value: 'now' },
      { value: 'soon', deliverAt: at(60_000) },
      { value: 'past', deliverAt: at(-1) },
      { value: 'zero', delay: 0 },
    )
    expect(results).toEqual([
      {
        ...{ partition: 0, offset: 0, priority: 'critical', timestamp: at(0) },
        ...{ delayed: true, deliverAt: at(1_800_000) },
      },
      { partition: 0, offset: 0, priority: 'normal', timestamp: at(0) },
      {
        ...{ partition: 0, offset: 1, priority: 'normal', timestamp: at(0) },
        ...{ delayed: true, deliverAt: at(60_000) },
      },
      { partition: 0, offset: 1, priority: 'normal', timestamp: at(0) },
      { partition: 0, offset: 2, priority: 'normal', timestamp: at(0) },
    ])
    expect(await list()).toEqual({
      messages: [
        {
          ...{ topic: 't', partition: 0, offset: 1, state: 'pending', priority: 'normal' },
          ...{ deliver_at: at(60_000), time_remaining: '1m', published_at: at(0) },
        },
        {
          ...{ topic: 't', partition: 0, offset: 0, state: 'pending', priority: 'critical' },
          ...{ deliver_at: at(1_800_000), time_remaining: '30m', published_at: at(0), key: 'k' },
        },
      ],
      count: 2,
      cursor: '',
    })
    expect(await passed(59_999)).toEqual(['now', 'past', 'zero'])
    expect(await passed(1)).toEqual(['now', 'past', 'zero', 'soon'])
    expect(await passed(1_740_000)).toEqual(['now', 'past', 'zero', 'soon', 'later'])
    const read = await stub.ask('GET', '/topics/t/partitions/0/messages?offset=4')
    expect(read.json['messages']).toEqual([
      {
        ...{ offset: 4, timestamp: at(1_800_000), key: 'k', value: 'later' },
        ...{ priority: 'critical', headers: { a: 'b' } },
      },
    ])
    expect((await list()).count).toBe(0)
  })

  test('are described in any state', async () => {
    const { publish, ask, passed } = await setup({ partitions: 2 })
    await publish({ value: 'v', partition: 1, delay: 1000 })
    const [status, entry] = await ask('GET', '/topics/t/delayed/1/0')
    expect([status, entry]).toEqual([
      200,
      {
        ...{ topic: 't', partition: 1, offset: 0, state: 'pending', priority: 'normal' },
        ...{ deliver_at: at(1000), time_remaining: '1s', published_at: at(0) },
      },
    ])
    expect(await ask('GET', '/topics/t/delayed/0')).toEqual([200, entry])
    await passed(2000)
    const delivered = { ...entry, state: 'delivered', time_remaining: '0ms' }
    expect(await ask('GET', '/topics/t/delayed/1/0')).toEqual([200, delivered])
    const missing = [404, expect.objectContaining({ code: 'DELAYED_NOT_FOUND' })]
    expect(await ask('GET', '/topics/t/delayed/1/7')).toEqual(missing)
    expect(await ask('GET', '/topics/t/delayed/0/0')).toEqual(missing)
    expect(await ask('GET', '/topics/t/delayed/7')).toEqual(missing)
    expect((await ask('GET', '/topics/t/delayed/9/0'))[1]['code']).toBe('PARTITION_NOT_FOUND')
    expect((await ask('GET', '/topics/nope/delayed'))[1]['code']).toBe('TOPIC_NOT_FOUND')
    expect((await ask('GET', '/topics/t/delayed/x/0'))[0]).toBe(400)
    expect((await ask('GET', '/topics/t/delayed/0/-1'))[0]).toBe(400)
  })

  test('that are cancelled never come; twice is the same, too late is 409', async () => {
    const { publish, ask, passed, list } = await setup()
    await publish({ value: 'a', delay: '1s' }, { value: 'b', delay: '1s' })
    expect(await ask('DELETE', '/topics/t/delayed/0/0')).toEqual([200, { cancelled: true }])
    expect(await ask('DELETE', '/topics/t/delayed/0/0')).toEqual([200, { cancelled: true }])
    expect((await list()).count).toBe(1)
    expect(await passed(1000)).toEqual(['b'])
    const tooLate = [409, expect.objectContaining({ code: 'ALREADY_DELIVERED' })]
    expect(await ask('DELETE', '/topics/t/delayed/0/1')).toEqual(tooLate)
    expect(await ask('PATCH', '/topics/t/delayed/0/1', { delay: 1 })).toEqual(tooLate)
    expect(await ask('PATCH', '/topics/t/delayed/0/0', { delay: 1 })).toEqual(tooLate)
    expect((await ask('DELETE', '/topics/t/delayed/0/9'))[0]).toBe(404)
    expect((await ask('GET', '/topics/t/delayed/0/0'))[1]['state']).toBe('cancelled')
  })

  test('are put off and brought forward', async () => {
    const { publish, ask, passed } = await setup()
    await publish({ value: 'a', delay: '1s' }, { value: 'b', delay: '30d' })
    const put = await ask('PATCH', '/topics/t/delayed/0/0', { delay: '1h' })
    expect(put).toEqual([
      200,
      expect.objectContaining({ offset: 0, state: 'pending', deliver_at: at(3_600_000) }),
    ])
    expect(await passed(2000)).toEqual([])
    await ask('PATCH', '/topics/t/delayed/0/1', { deliverAt: at(0) })
    expect(await passed(10)).toEqual(['b'])
    expect(await passed(3_600_000)).toEqual(['b', 'a'])
    for (const body of [
      {},
      { delay: 'soon' },
      { deliverAt: 'x' },
      { delay: 1, deliverAt: at(1) },
    ]) {
      expect((await ask('PATCH', '/topics/t/delayed/0/1', body))[0]).toBe(400)
    }
  })

  test('are listed page by page, by their times, within a time', async () => {
    const { publish, list } = await setup({ partitions: 2 })
    const delays = [50, 20, 20, 90, 10, 20, 70]
    await publish(...delays.map((s, i) => ({ value: '', delay: `${s}s`, partition: i % 2 })))
    const places = async (query: string) =>
      (await list(query)).messages.map((each) => `${each['partition']}/${each['offset']}`)
    const all = await places('')
    expect(all).toEqual(['0/2', '0/1', '1/0', '1/2', '0/0', '0/3', '1/1'])
    const paged: string[] = []
    for (let cursor = '', pages = 0; pages < 9; pages += 1) {
      const page = await list(`limit=2&cursor=${cursor}`)
      paged.push(...page.messages.map((each) => `${each['partition']}/${each['offset']}`))
      cursor = page.cursor
      if (cursor === '') break
    }
    expect(paged).toEqual(all)
    expect(await places(`from_time=${at(20_000)}&to_time=${at(70_000)}`)).toEqual(all.slice(1, 5))
    expect(await places(`from_time=${at(99_000)}`)).toEqual([])
  })

  test('queries that make no sense are refused', async () => {
    const { ask } = await setup()
    for (const query of ['limit=0', 'limit=1001', 'cursor=abc', 'from_time=now', 'to_time=1']) {
      expect((await ask('GET', `/topics/t/delayed?${query}`))[0], query).toBe(400)
    }
  })

  test('one bad message and nothing is written, neither now nor later', async () => {
    const { ask, list, passed } = await setup()
    const messages = [{ value: 'a' }, { value: 'b', delay: '1s' }, { value: 'c', partition: 5 }]
    const [status, json] = await ask('POST', '/topics/t/messages', { messages })
    expect([status, Object.keys(json['fields'] as object)]).toEqual([
      404,
      ['messages[2].partition'],
    ])
    expect((await list()).count).toBe(0)
    expect(await passed(2000)).toEqual([])
  })

  test('come as a raw batch, whose records say until when they wait', async () => {
    const { stub, passed, list } = await setup()
    const origin = (dueMs: number) => ({ origin: { partition: 9, offset: 9, dueMs } })
    const batch = () =>
      batchOf(
        { key: 'k', value: 'a', extension: origin(FAKE_START_MS + 500) },
        { value: 'b', priority: 0, extension: origin(FAKE_START_MS + 100) },
        { value: 'c', extension: origin(FAKE_START_MS) },
      )
    const ask = (query: string, body: Buffer) =>
      stub.ask('POST', `/topics/t/messages?${query}`, { body: new Uint8Array(body), headers: RAW })
    const taken = await ask('partition=0&delayed=true', encodeWireBatch(batch()))
    expect([taken.status, taken.json]).toEqual([
      200,
      {
        results: [{ partition: 0, offset: 0, count: 3, timestamp: at(0), delayed: true }],
        durability: 'none',
      },
    ])
    const notDelayed = await ask('partition=0', encodeWireBatch(batch()))
    expect([notDelayed.status, notDelayed.json['code']]).toEqual([400, 'CORRUPT_RECORD'])
    const noTime = await ask('delayed=true', encodeWireBatch(batchOf({ value: 'x' })))
    expect([noTime.status, noTime.json['code']]).toEqual([400, 'CORRUPT_RECORD'])
    expect(await passed(10)).toEqual(['c'])
    expect((await list()).messages.map((each) => each['offset'])).toEqual([1, 0])
    expect(await passed(490)).toEqual(['c', 'b', 'a'])
  })

  test('a raw batch of an idempotent producer waits once, and leaves no mark of it in the topic', async () => {
    const { stub, passed } = await setup()
    const producer = { producerId: 7, epoch: 0, baseSequence: 0 }
    const mark = { producerId: 7, epoch: 0, sequence: 0 }
    const origin = { partition: 0, offset: 0, dueMs: FAKE_START_MS + 100 }
    const wire = () => {
      const batch = batchOf({
        value: 'a',
        extension: { producer: mark, origin, headers: { h: 'v' } },
      })
      return new Uint8Array(encodeWireBatch(batch, producer))
    }
    const send = async (query: string) =>
      (await stub.ask('POST', `/topics/t/messages?${query}`, { body: wire(), headers: RAW })).json
    await send('partition=0&delayed=true')
    expect(await send('partition=0&delayed=true')).toMatchObject({
      results: [{ offset: 0, duplicate: true, delayed: true }],
    })
    expect(await passed(100)).toEqual(['a'])
    const { bytes } = await stub.broker.read('t', 0)
    const [record] = decodeRecords(bytes)
    expect(record?.extension).toEqual({ headers: { h: 'v' }, origin })
    expect(await passed(100)).toEqual(['a'])
  })

  test('an Idempotency-Key makes a request with delays one request', async () => {
    const { stub, passed } = await setup()
    const json = { messages: [{ value: 'a', delay: '1s' }, { value: 'b' }] }
    const send = async () =>
      await stub.ask('POST', '/topics/t/messages', { json, headers: { 'idempotency-key': 'x' } })
    const first = await send()
    expect((await send()).json).toEqual({ ...first.json, duplicate: true })
    expect(await passed(1000)).toEqual(['b', 'a'])
  })

  test('are told of in figures', async () => {
    const { publish, ask, passed } = await setup()
    await publish(
      { value: 'a', delay: '1s' },
      { value: 'b', delay: '3s' },
      { value: 'c', delay: '8d' },
    )
    await ask('DELETE', '/topics/t/delayed/0/1')
    await passed(1004)
    const counts = { pending_count: 1, delivered_count: 1, cancelled_count: 1, expired_count: 0 }
    expect(await ask('GET', '/delay/stats')).toEqual([
      200,
      {
        ...counts,
        avg_delay: '2d16h1s333ms',
        lateness: { p50: '4ms', p99: '4ms', max: '4ms' },
        by_topic: { t: counts },
        timer_wheel: { levels: [0, 0, 0, 0], waiting: 1 },
      },
    ])
  })

  test('go with their topic', async () => {
    const { publish, ask, stub, passed } = await setup()
    await publish({ value: 'a', delay: '1s' })
    await ask('DELETE', '/topics/t')
    await stub.broker.createTopic('t', { partitions: 1 })
    expect(await passed(2000)).toEqual([])
    expect((await ask('GET', '/delay/stats'))[1]).toMatchObject({ pending_count: 0, by_topic: {} })
  })
})
