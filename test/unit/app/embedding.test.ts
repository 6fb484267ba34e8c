import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Broker, decodeRecords, type OpenOptions } from '../../../src/app/index.ts'

async function open(options: OpenOptions): Promise<Broker> {
  const broker = await Broker.open(options)
  onTestFinished(() => broker.close())
  return broker
}

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'goqueue-embedding-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

const valuesOf = async (broker: Broker, topic: string): Promise<readonly string[]> => {
  const { bytes } = await broker.read(topic, 0)
  return [...decodeRecords(bytes)].map(({ value }) => value?.toString() ?? '')
}

describe('embedded broker', () => {
  test('publishes and reads in memory', async () => {
    const broker = await open({ memory: true })
    await broker.createTopic('orders', { partitions: 1 })
    const { runs } = await broker.publish('orders', [{ key: 'a', value: 'one' }, { value: 'two' }])
    expect(runs).toMatchObject([{ partition: 0, baseOffset: 0, count: 2 }])
    expect(await valuesOf(broker, 'orders')).toEqual(['one', 'two'])
  })

  test('keeps messages for later, and lets them be changed', async () => {
    const broker = await open({ memory: true })
    await broker.createTopic('orders', { partitions: 1 })
    const dueMs = Date.now() + 3_600_000
    await broker.publish('orders', [
      { key: 'a', value: 'later', dueMs },
      { value: 'never', dueMs },
      { value: 'past', dueMs: 0 },
    ])
    expect(await valuesOf(broker, 'orders')).toEqual(['past'])
    const [first, second] = (await broker.listDelayed('orders')).messages
    expect([first, second]).toMatchObject([
      { offset: 0, dueMs },
      { offset: 1, state: 'pending' },
    ])
    const place = { partition: 0, offset: 1 }
    await broker.cancelDelayed('orders', place)
    expect(await broker.describeDelayed('orders', place)).toMatchObject({ state: 'cancelled' })
    const changed = await broker.rescheduleDelayed('orders', { partition: 0, offset: 0 }, dueMs + 1)
    expect(changed).toMatchObject({ dueMs: dueMs + 1, key: Buffer.from('a') })
    expect(await broker.delayStats()).toMatchObject({ pending: 1, cancelled: 1, untimed: 1 })
  })

  test('finds in its directory what the one before it wrote', async () => {
    const directory = await temporaryDirectory()
    const first = await open({ directory })
    await first.createTopic('orders', { partitions: 1 })
    const { durability } = await first.publish('orders', [{ value: 'one' }])
    expect(durability).toBe('disk')
    await first.close()
    const second = await open({ directory })
    expect(await second.listTopics()).toEqual(['orders'])
    expect(await valuesOf(second, 'orders')).toEqual(['one'])
  })

  test('stamps by the clock it is given', async () => {
    const clock = { nowMs: () => 42_000, monotonicMs: () => 0, setTimer: () => ({ cancel() {} }) }
    const broker = await open({ memory: true, clock })
    await broker.createTopic('orders', { partitions: 1 })
    await broker.publish('orders', [{ value: 'x' }])
    const [record] = decodeRecords((await broker.read('orders', 0)).bytes)
    expect(record?.timestampMs).toBe(42_000)
  })

  test('keeps a second one out of its directory, and lets it in once closed', async () => {
    const directory = await temporaryDirectory()
    const first = await open({ directory })
    await expect(Broker.open({ directory })).rejects.toMatchObject({ code: 'DATA_DIR_LOCKED' })
    await first.close()
    await expect(open({ directory })).resolves.toBeInstanceOf(Broker)
  })

  test('wakes a reader that waits', async () => {
    const broker = await open({ memory: true })
    await broker.createTopic('orders', { partitions: 1 })
    const read = broker.read('orders', 0, { waitMs: 10_000 })
    await broker.publish('orders', [{ value: 'x' }])
    expect((await read).count).toBe(1)
  })

  test('refuses calls once it is closed; closing twice is one', async () => {
    const broker = await open({ memory: true })
    await Promise.all([broker.close(), broker.close()])
    await expect(broker.listTopics()).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
  })

  test.each([{}, { directory: 'x', memory: true }])(
    'needs one place for its data, not %j',
    (options) => expect(Broker.open(options)).rejects.toThrow(/either a directory or memory/),
  )
})
