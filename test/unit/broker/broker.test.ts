import { describe, expect, test } from 'vitest'
import {
  Broker,
  type BrokerSettings,
  type Interceptor,
  type OperationName,
} from '../../../src/broker/index.ts'
import { INTERNAL_CALLER } from '../../../src/kernel/caller.ts'
import { BrokerError } from '../../../src/kernel/errors.ts'
import { silentLogger } from '../../../src/kernel/platform.ts'
import { type LogEngine, memoryEngine } from '../../../src/log/index.ts'
import { batchOf, decodeRecords } from '../../../src/record/index.ts'
import { FAKE_START_MS, FakeClock } from '../../support/fakeClock.ts'
import { StubEngine } from '../../support/stubEngine.ts'
import { turn } from '../../support/topicsWorld.ts'

interface SetupOptions {
  readonly engine?: LogEngine
  readonly settings?: Partial<BrokerSettings>
  readonly interceptors?: readonly Interceptor[]
}

/** A broker in memory on a clock that stands still. */
async function setup({ engine, settings, interceptors }: SetupOptions = {}) {
  const clock = new FakeClock()
  const platform = { clock, random: () => 0, logger: silentLogger }
  const calls: [OperationName, number, string | undefined][] = []
  const broker = new Broker({
    engine: engine ?? memoryEngine(platform),
    platform,
    settings,
    interceptors,
    onCall: (name, durationMs, code) => calls.push([name, durationMs, code]),
  })
  await broker.start()
  return { broker, clock, calls }
}

const values = (bytes: Buffer): string[] =>
  [...decodeRecords(bytes)].map((record) => String(record.value))

describe('an embedded Broker', () => {
  test('publishes and reads in memory, on the clock it was given', async () => {
    const { broker, clock } = await setup()
    await broker.createTopic('orders', { partitions: 2 })
    clock.advance(5000)
    const { runs } = await broker.publish('orders', [{ key: 'k', value: 'a' }])
    const [{ partition, timestampMs } = { partition: -1, timestampMs: 0 }] = runs
    expect(timestampMs).toBe(FAKE_START_MS + 5000)
    const read = await broker.read('orders', partition)
    expect(values(read.bytes)).toEqual(['a'])
    expect(await broker.offsetAtTime('orders', partition, timestampMs)).toEqual({
      offset: 0,
      timestampMs,
    })
    expect(await broker.offsetAtTime('orders', partition, timestampMs + 1)).toBeUndefined()
  })

  test('lists, describes, configures and deletes topics', async () => {
    const { broker } = await setup()
    await broker.createTopic('b')
    await broker.createTopic('a')
    expect(await broker.listTopics()).toEqual(['a', 'b'])
    expect(await broker.configureTopic('a', { retentionBytes: 10 })).toEqual(
      await broker.describeTopic('a'),
    )
    await broker.deleteTopic('a')
    await expect(broker.describeTopic('a')).rejects.toMatchObject({ code: 'TOPIC_NOT_FOUND' })
    expect(broker.status()).toMatchObject({ topicCount: 1, state: 'running', problems: [] })
  })

  test('a long poll is answered by the next publish, a topic read by any', async () => {
    const { broker } = await setup()
    await broker.createTopic('t', { partitions: 2 })
    const poll = broker.read('t', 1, { from: { at: 'latest' }, waitMs: 1000 })
    const anywhere = broker.readTopic('t', { waitMs: 1000 })
    await turn()
    expect(broker.load()).toMatchObject({ waiters: 2, callsInFlight: 2 })
    await broker.publish('t', [{ value: 'x', partition: 1 }], { acks: 'leader' })
    expect(values((await poll).bytes)).toEqual(['x'])
    expect((await anywhere).positions).toEqual([0, 1])
    expect(broker.load()).toMatchObject({ waiters: 0, callsInFlight: 0 })
  })

  test('a batch may be published as it is', async () => {
    const { broker } = await setup()
    await broker.createTopic('t')
    const batch = batchOf({ value: 'a' }, { value: 'b' })
    const { runs } = await broker.publishBatch('t', batch, { partition: 2 })
    expect(runs).toMatchObject([{ partition: 2, count: 2 }])
  })

  test.each([
    ['acks', 'records.publish', { messages: [{ value: 'x' }], acks: 'some' }],
    ['batch', 'records.publishBatch', { batch: { bytes: Buffer.alloc(0), count: 0 }, acks: 'all' }],
    ['maxRecords', 'records.read', { maxRecords: 0 }],
    ['maxBytes', 'records.read', { maxBytes: Number.NaN }],
    ['waitMs', 'records.read', { waitMs: -1 }],
    ['offset', 'records.read', { from: { offset: -1 } }],
    ['offset', 'records.read', { from: { offset: 2 ** 53 } }],
    ['timeMs', 'records.read', { from: { timeMs: Number.NaN } }],
    ['at', 'records.read', { from: { at: 'middle' } }],
    ['positions', 'records.readTopic', { from: { positions: [0, 0.5, 1] } }],
  ] as const)('an impossible %s of %s is refused', async (field, name, input) => {
    const { broker } = await setup()
    await broker.createTopic('t')
    const whole = {
      topic: 't',
      partition: 0,
      from: { offset: 0 },
      maxRecords: 1,
      maxBytes: 1,
      waitMs: 0,
      ...input,
    }
    await expect(broker.call(name, whole as never, INTERNAL_CALLER)).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      fields: { [field]: expect.any(String) },
    })
  })
})

describe('the life of a Broker', () => {
  test('it refuses calls before it is ready and after it began to stop', async () => {
    const clock = new FakeClock()
    const platform = { clock, random: () => 0, logger: silentLogger }
    const broker = new Broker({ engine: memoryEngine(platform), platform })
    await expect(broker.listTopics()).rejects.toMatchObject({ code: 'RECOVERING' })
    expect(broker.health()[0]).toMatchObject({ name: 'broker', status: 'fail' })
    await broker.start()
    expect(broker.health().map((check) => check.status)).toEqual(Array(7).fill('pass'))
    clock.advance(1234)
    expect(broker.status()).toMatchObject({ state: 'running', uptimeMs: 1234 })
    await Promise.all([broker.stop(), broker.stop()])
    await expect(broker.listTopics()).rejects.toMatchObject({
      code: 'SHUTTING_DOWN',
      retryAfterMs: expect.any(Number),
    })
    expect(broker.status().state).toBe('stopped')
    expect(clock.pendingTimers).toBe(0)
    await expect(broker.start()).rejects.toThrow()
  })

  test('stopping answers the long polls with nothing and closes everything', async () => {
    const engine = new StubEngine()
    const { broker, clock } = await setup({ engine })
    await broker.createTopic('t')
    const polls = [
      broker.read('t', 0, { waitMs: 60_000 }),
      broker.readTopic('t', { waitMs: 60_000 }),
    ] as const
    await turn()
    const stopped = broker.stop()
    const [read, readAll] = await Promise.all(polls)
    expect(read).toMatchObject({ count: 0, nextOffset: 0 })
    expect(readAll.parts).toEqual([])
    await stopped
    expect([engine.closed, engine.openLogs.size, clock.pendingTimers]).toEqual([true, 0, 0])
  })

  test('stopping lets a publish under way finish', async () => {
    const engine = new StubEngine()
    const { broker } = await setup({ engine })
    await broker.createTopic('t', { partitions: 1 })
    let letSync: () => void = () => undefined
    const syncing = new Promise<void>((begun) => {
      engine.before = (operation) => {
        if (operation !== 'sync') return Promise.resolve()
        begun()
        return new Promise<void>((resolve) => {
          letSync = resolve
        })
      }
    })
    const publish = broker.publish('t', [{ value: 'x' }])
    await syncing
    const stopped = broker.stop()
    engine.before = () => undefined
    await turn()
    expect(engine.closed).toBe(false)
    letSync()
    expect((await publish).durability).toBe('disk')
    await stopped
    expect(engine.closed).toBe(true)
  })

  test('a call that hangs keeps it from stopping for as long as it is told, and no longer', async () => {
    const engine = new StubEngine()
    const { broker, clock } = await setup({ engine, settings: { drainTimeoutMs: 3000 } })
    await broker.createTopic('t', { partitions: 1 })
    engine.before = (operation) =>
      operation === 'read' ? new Promise<void>(() => undefined) : undefined
    void broker.read('t', 0)
    const stopped = broker.stop()
    await turn()
    clock.advance(2999)
    await turn()
    expect(engine.openLogs.size).toBe(5)
    clock.advance(1)
    await turn()
    clock.advance(2000)
    await stopped
    expect([engine.closed, clock.pendingTimers]).toEqual([true, 0])
  })

  test('a start that fails leaves nothing open after the stop', async () => {
    const engine = new StubEngine()
    engine.disk.blobs.set('state/topics/snapshot', Buffer.from('rubbish'))
    const platform = { clock: new FakeClock(), random: () => 0, logger: silentLogger }
    const broker = new Broker({ engine, platform })
    await expect(broker.start()).rejects.toMatchObject({ code: 'LOG_CORRUPT' })
    await broker.stop()
    expect([engine.closed, engine.openLogs.size]).toEqual([true, 0])
  })

  test('what does not serve is told by status and health', async () => {
    const engine = new StubEngine()
    const first = await setup({ engine })
    await first.broker.createTopic('t', { partitions: 2 })
    await first.broker.stop()
    const next = engine.crash()
    next.before = (operation, path) => {
      if (operation === 'open' && path.endsWith('/1')) throw new BrokerError('LOG_CORRUPT', 'bad')
    }
    const { broker } = await setup({ engine: next })
    expect(broker.status().problems).toEqual(['t-1: bad'])
    expect(broker.health()).toContainEqual({
      name: 'partitions',
      status: 'warn',
      message: 't-1: bad',
    })
    await expect(broker.read('t', 1)).rejects.toMatchObject({ code: 'PARTITION_UNAVAILABLE' })
    await broker.read('t', 0)
  })
})

describe('the interceptors of a Broker', () => {
  test('every call is observed, with its time and its code', async () => {
    const { broker, clock, calls } = await setup()
    await broker.createTopic('t', { partitions: 1 })
    const poll = broker.read('t', 0, { waitMs: 500 })
    await turn()
    clock.advance(500)
    await poll
    await broker.describeTopic('nowhere').catch(() => undefined)
    expect(calls).toEqual([
      ['topics.create', 0, undefined],
      ['records.read', 500, undefined],
      ['topics.describe', 0, 'TOPIC_NOT_FOUND'],
    ])
  })

  test('those of the owner stand around the call and see its input', async () => {
    const seen: string[] = []
    const note =
      (name: string): Interceptor =>
      (next) =>
      async (call) => {
        seen.push(`${name} ${call.name} of ${call.caller.principal}`)
        return await next(call)
      }
    const { broker } = await setup({ interceptors: [note('outer'), note('inner')] })
    await broker.listTopics()
    expect(seen).toEqual(['outer topics.list of internal', 'inner topics.list of internal'])
  })

  async function overloaded(settings: Partial<BrokerSettings>) {
    const engine = new StubEngine()
    const { broker } = await setup({ engine, settings })
    await broker.createTopic('t', { partitions: 1 })
    let open: () => void = () => undefined
    const opened = new Promise<void>((resolve) => {
      open = resolve
    })
    engine.before = (operation) => (operation === 'append' ? opened : undefined)
    return { broker, open }
  }

  const refused = { code: 'BROKER_OVERLOADED', retryAfterMs: expect.any(Number) }

  test('more publishes than the limit are refused until there is room', async () => {
    const { broker, open } = await overloaded({ publishesMax: 2 })
    const first = [1, 2].map(() => broker.publish('t', [{ value: 'x' }]))
    await expect(broker.publish('t', [{ value: 'x' }])).rejects.toMatchObject(refused)
    await expect(broker.publishBatch('t', batchOf({ value: 'x' }))).rejects.toMatchObject(refused)
    await broker.read('t', 0)
    open()
    await Promise.all(first)
    await broker.publish('t', [{ value: 'x' }])
    expect(broker.load()).toMatchObject({ publishesInFlight: 0, publishBytesInFlight: 0 })
  })

  test('so are more bytes, but a single request is never too large for an idle broker', async () => {
    const { broker, open } = await overloaded({ publishBytesMax: 100 })
    const large = broker.publish('t', [{ value: 'x'.repeat(1000) }])
    await expect(broker.publish('t', [{ value: 'x' }])).rejects.toMatchObject(refused)
    expect(broker.load()).toMatchObject({ publishesInFlight: 1, publishBytesInFlight: 1000 })
    open()
    await large
    const both = [1, 2].map(() => broker.publish('t', [{ key: 'k', value: 'x'.repeat(40) }]))
    await Promise.all(both)
  })
})

test('a committed offset is not shown before it is in the journal', async () => {
  const engine = new StubEngine()
  const { broker, clock } = await setup({ engine })
  await broker.createTopic('t', { partitions: 1 })
  await broker.publish('t', [{ value: 'x' }])
  const join = { group: 'g', clientId: 'c', topics: ['t'], mode: 'offset' } as const
  const { memberId } = await broker.call('groups.join', join, INTERNAL_CALLER)
  engine.before = (operation, path) => {
    if (operation === 'append' && path.includes('groups'))
      throw new BrokerError('DISK_FULL', 'full')
  }
  const floors = [{ topic: 't', partition: 0, offset: 1 }]
  const committed = broker.call('groups.commit', { group: 'g', memberId, floors }, INTERNAL_CALLER)
  await turn()
  let isTold = false
  const told = broker.call('groups.offsets', { group: 'g' }, INTERNAL_CALLER).then((offsets) => {
    isTold = true
    return offsets
  })
  await turn()
  expect(isTold).toBe(false)
  engine.before = () => undefined
  clock.advance(250)
  await committed
  expect((await told).get('t')?.get(0)).toBe(1)
})
