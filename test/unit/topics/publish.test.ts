import { describe, expect, test } from 'vitest'
import { BrokerError } from '../../../src/kernel/errors.ts'
import { batchOf, decodeRecords, keyPartition } from '../../../src/record/index.ts'
import {
  type PublishMessage,
  publishBatch,
  publishMessages,
  publishOnce,
  type Topic,
} from '../../../src/topics/index.ts'
import { StubEngine } from '../../support/stubEngine.ts'
import { LIMIT, topicsWorld, turn } from '../../support/topicsWorld.ts'

async function setup(partitions = 3, config = {}) {
  const world = await topicsWorld(new StubEngine())
  const topic = await world.topics.create({ name: 't', partitions, config })
  return { ...world, topic }
}

/** All there is, by partition. */
async function contents(topic: Topic): Promise<string[][]> {
  return await Promise.all(
    topic.partitions.map(async (partition) => {
      const { bytes } = await partition.read(partition.offsets().start, LIMIT)
      return [...decodeRecords(bytes)].map((record) => String(record.value))
    }),
  )
}

const lengths = async (topic: Topic): Promise<number[]> =>
  (await contents(topic)).map((values) => values.length)

describe('publishing messages', () => {
  test('an explicit partition wins over the key, the key over the turn', async () => {
    const { topic } = await setup()
    const keyed = keyPartition('customer', 3)
    const other = (keyed + 1) % 3
    await publishMessages(
      topic,
      [
        { key: 'customer', value: 'by key' },
        { key: 'customer', value: 'explicit', partition: other },
        { key: '', value: 'empty key' },
        { value: 'no key' },
      ],
      'all',
    )
    const found = await contents(topic)
    expect(found[keyed]).toContain('by key')
    expect(found[other]).toContain('explicit')
    expect(found[0]).toEqual(expect.arrayContaining(['empty key', 'no key']))
  })

  test('the outcome names offset and partition of every message, in the order of the request', async () => {
    const { topic } = await setup(4)
    const messages = Array.from({ length: 50 }, (_, i) => ({ key: `k${i % 9}`, value: `v${i}` }))
    await publishMessages(topic, messages.slice(0, 7), 'all')
    const { runs, runOfMessage, durability } = await publishMessages(topic, messages, 'all')
    expect(durability).toBe('disk')
    const next = runs.map((run) => run.baseOffset)
    for (const [i, message] of messages.entries()) {
      const run = runOfMessage?.[i] ?? 0
      const { partition = -1 } = runs[run] ?? {}
      expect(partition).toBe(keyPartition(message.key, 4))
      const at = topic.partition(partition)
      const { bytes } = await at.read(next[run] as never, { maxBytes: 1, maxRecords: 1 })
      expect([...decodeRecords(bytes)].map((record) => String(record.value))).toEqual([
        message.value,
      ])
      next[run] = (next[run] as number) + 1
    }
    expect(runs.map((run) => run.count).reduce((a, b) => a + b)).toBe(50)
  })

  test('one partition needs no map from message to run', async () => {
    const { topic } = await setup()
    const outcome = await publishMessages(topic, [{ value: 'a' }, { value: 'b' }], 'leader')
    expect(outcome).toMatchObject({ durability: 'memory', runs: [{ baseOffset: 0, count: 2 }] })
    expect(outcome.runOfMessage).toBeUndefined()
  })

  test('key, value, priority and headers arrive as they were sent', async () => {
    const { topic } = await setup(1)
    await publishMessages(
      topic,
      [
        { key: Buffer.from([0, 255]), value: Buffer.from([1, 2]), priority: 0 },
        { key: 'k', value: null, headers: { trace: 'abc' } },
        { value: 'ключ 🔑' },
      ],
      'all',
    )
    const { bytes } = await topic.partition(0).read(topic.partition(0).offsets().start, LIMIT)
    const [first, second, third] = [...decodeRecords(bytes)]
    expect(first).toMatchObject({ key: Buffer.from([0, 255]), value: Buffer.from([1, 2]) })
    expect(first?.priority).toBe(0)
    expect(second).toMatchObject({ value: null, extension: { headers: { trace: 'abc' } } })
    expect(third).toMatchObject({ key: undefined, value: Buffer.from('ключ 🔑'), priority: 2 })
    expect(third?.extension).toBeUndefined()
  })

  test('nothing but the known fields of a message gets into its record', async () => {
    const { topic } = await setup(1)
    const sly = { value: 'x', control: true, extension: { origin: { partition: 1 } } }
    await publishMessages(topic, [sly as PublishMessage], 'all')
    const { bytes } = await topic.partition(0).read(topic.partition(0).offsets().start, LIMIT)
    expect([...decodeRecords(bytes)]).toMatchObject([{ control: false, extension: undefined }])
  })

  test('messages of one turn stay together, the next turn goes on to the next partition', async () => {
    const { topic } = await setup()
    for (let round = 0; round < 6; round += 1) {
      await Promise.all(
        Array.from({ length: 5 }, () => publishMessages(topic, [{ value: 'x' }], 'leader')),
      )
      const counts = await lengths(topic)
      expect(counts.every((count) => count % 5 === 0)).toBe(true)
      await turn()
    }
    expect(await lengths(topic)).toEqual([10, 10, 10])
  })

  test('batches of any size without keys spread evenly', async () => {
    const { topic } = await setup()
    for (let i = 0; i < 60; i += 1) {
      const messages = Array.from({ length: 1 + ((i * 37) % 20) }, () => ({ value: 'x' }))
      await publishMessages(topic, messages, 'leader')
    }
    const counts = await lengths(topic)
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(20)
  })

  test('messages without a key pass over a partition that does not serve', async () => {
    const { engine, topics } = await setup()
    await topics.stop()
    const next = engine.crash()
    next.before = (operation, path) => {
      if (operation === 'open' && path.endsWith('/1')) throw new BrokerError('LOG_CORRUPT', 'bad')
    }
    const topic = (await topicsWorld(next)).topics.get('t')
    for (let i = 0; i < 8; i += 1) await publishMessages(topic, [{ value: 'x' }], 'leader')
    expect(topic.view().partitions.map((each) => each.latest)).toEqual([4, 0, 4])
  })
})

describe('a bad message', () => {
  const good = { key: 'k', value: 'v' }

  test.each([
    [{ value: 'x', partition: 3 }, 'PARTITION_NOT_FOUND', 'messages[1].partition'],
    [{ value: 'x', partition: -1 }, 'PARTITION_NOT_FOUND', 'messages[1].partition'],
    [{ value: 'x', partition: 0.5 }, 'PARTITION_NOT_FOUND', 'messages[1].partition'],
    [{ value: 'x', priority: 5 }, 'INVALID_REQUEST', 'messages[1].priority'],
    [{ key: 'k' }, 'INVALID_REQUEST', 'messages[1].value'],
    [{ value: 'x'.repeat(2000) }, 'RECORD_TOO_LARGE', 'messages[1]'],
    [{ key: 'k'.repeat(70_000), value: '' }, 'RECORD_TOO_LARGE', 'messages[1]'],
    [
      {
        value: '',
        headers: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`h${i}`, ''])),
      },
      'INVALID_REQUEST',
      'messages[1]',
    ],
  ])('%# is named and nothing of the request is written', async (bad, code, field) => {
    const { topic } = await setup(3, { recordBytesMax: 1000 })
    const messages = [good, bad as PublishMessage, { value: 'x', partition: 2 }]
    const refused = await publishMessages(topic, messages, 'all').catch((error) => error)
    expect(refused).toBeInstanceOf(BrokerError)
    expect(refused.code).toBe(code)
    expect(Object.keys(refused.fields)).toEqual([field])
    expect(await lengths(topic)).toEqual([0, 0, 0])
  })

  test('all of them are named, up to a hundred', async () => {
    const { topic } = await setup()
    const messages = Array.from({ length: 300 }, () => ({ value: 'x', partition: 9 }))
    const refused = await publishMessages(topic, messages, 'all').catch((error) => error)
    expect(Object.keys(refused.fields)).toHaveLength(100)
    expect(refused.message).toMatch(/299 more/)
  })

  test('a refused request does not move the turn', async () => {
    const { topic } = await setup()
    const before = topic.stickyPartition()
    await publishMessages(topic, [{ value: 'x' }, { value: 'y', partition: 7 }], 'all').catch(
      () => undefined,
    )
    await turn()
    expect(topic.stickyPartition()).toBe(before)
  })

  test('an empty request and one that is too long are refused', async () => {
    const { topic } = await setup()
    await expect(publishMessages(topic, [], 'all')).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      fields: { messages: expect.any(String) },
    })
    const message = { value: 'x' }
    const many = new Array(100_001).fill(message)
    await expect(publishMessages(topic, many, 'all')).rejects.toMatchObject({
      code: 'BATCH_TOO_LARGE',
    })
    const large = new Array(34).fill({ value: Buffer.alloc(1_000_000) })
    await expect(publishMessages(topic, large, 'all')).rejects.toMatchObject({
      code: 'BATCH_TOO_LARGE',
    })
    expect(await lengths(topic)).toEqual([0, 0, 0])
  })
})

describe('publishing a batch', () => {
  test('with a partition it goes there as it is', async () => {
    const { topic, engine } = await setup()
    const batch = batchOf({ key: 'a', value: '1' }, { key: 'b', value: '2' })
    const outcome = await publishBatch(topic, batch, 2, 'all')
    expect(outcome.runs).toMatchObject([{ partition: 2, baseOffset: 0, count: 2 }])
    expect(engine.disk.logs.get('topics/t~1/2')?.batches[0]?.bytes).toBe(batch.bytes)
    await expect(publishBatch(topic, batchOf({ value: 'x' }), 3, 'all')).rejects.toMatchObject({
      code: 'PARTITION_NOT_FOUND',
    })
  })

  test('without a partition or a key it goes as a whole, in turn', async () => {
    const { topic } = await setup()
    for (let i = 0; i < 6; i += 1) {
      const { runs } = await publishBatch(
        topic,
        batchOf({ value: 'a' }, { value: 'b' }),
        undefined,
        'leader',
      )
      expect(runs).toHaveLength(1)
    }
    expect(await lengths(topic)).toEqual([4, 4, 4])
  })

  test('with keys each record goes where its key belongs', async () => {
    const { topic } = await setup(5)
    const records = Array.from({ length: 60 }, (_, i) => ({ key: `k${i}`, value: `v${i}` }))
    const { runs, runOfMessage } = await publishBatch(topic, batchOf(...records), undefined, 'all')
    const found = await contents(topic)
    for (const [i, { key, value }] of records.entries()) {
      const partition = keyPartition(key, 5)
      expect(found[partition]).toContain(value)
      expect(runs[runOfMessage?.[i] ?? -1]?.partition).toBe(partition)
    }
    expect(found.flat()).toHaveLength(60)
  })

  test('is refused where the batch and its first record do not name the same producer', async () => {
    const { topic } = await setup()
    const mark = { producerId: 7, epoch: 0, sequence: 3 }
    const plain = batchOf({ value: 'x' })
    const marked = batchOf({ value: 'x', extension: { producer: mark } })
    const named = (baseSequence: number) =>
      ({ acks: 'all', producer: { producerId: 7, epoch: 0, baseSequence } }) as const
    for (const refused of [
      () => publishBatch(topic, marked, 0, 'all'),
      () => publishOnce(topic, plain, 0, named(3)),
      () => publishOnce(topic, marked, 0, named(4)),
    ]) {
      await expect(refused()).rejects.toMatchObject({
        code: 'INVALID_REQUEST',
        fields: { producer: 'must be the same in the batch and its first record' },
      })
    }
    expect(await lengths(topic)).toEqual([0, 0, 0])
    await publishOnce(topic, marked, 0, named(3))
    expect(await lengths(topic)).toEqual([1, 0, 0])
  })

  test('a record over the limit of the topic is named and nothing is written', async () => {
    const { topic } = await setup(1, { recordBytesMax: 200 })
    const batch = batchOf({ value: 'x' }, { value: 'x'.repeat(300) })
    await expect(publishBatch(topic, batch, undefined, 'all')).rejects.toMatchObject({
      code: 'RECORD_TOO_LARGE',
      fields: { 'messages[1]': expect.stringContaining('332') },
    })
    await publishBatch(topic, batchOf(...new Array(20).fill({ value: 'x' })), undefined, 'all')
    expect(await lengths(topic)).toEqual([20])
  })
})

describe('a partition that refuses its part of a request', () => {
  const messages = [0, 1, 2].map((partition) => ({ value: `v${partition}`, partition }))

  test('the answer says that the outcome is unknown and what was written', async () => {
    const { topic, engine } = await setup()
    engine.before = (operation, path) => {
      if (operation === 'append' && path.endsWith('/1')) throw new BrokerError('DISK_FULL', 'full')
    }
    await expect(publishMessages(topic, messages, 'all')).rejects.toMatchObject({
      code: 'OUTCOME_UNKNOWN',
      message: /partitions 0, 2/,
      fields: { 'partitions[1]': 'full' },
      cause: expect.objectContaining({ code: 'DISK_FULL' }),
    })
  })

  test('where none of them took it the answer is the reason itself', async () => {
    const { topic, engine } = await setup()
    engine.before = (operation) => {
      if (operation === 'append') throw new BrokerError('DISK_FULL', 'full')
    }
    await expect(publishMessages(topic, messages, 'all')).rejects.toMatchObject({
      code: 'DISK_FULL',
    })
  })

  test('one that is known not to serve keeps the whole request from being written', async () => {
    const { topics, engine } = await setup()
    await topics.stop()
    const next = engine.crash()
    next.before = (operation, path) => {
      if (operation === 'open' && path.endsWith('/1')) throw new BrokerError('LOG_CORRUPT', 'bad')
    }
    const topic = (await topicsWorld(next)).topics.get('t')
    await expect(publishMessages(topic, messages, 'all')).rejects.toMatchObject({
      code: 'PARTITION_UNAVAILABLE',
    })
    expect(topic.view().partitions.map((each) => each.latest)).toEqual([0, 0, 0])
  })

  test('a fenced log is a problem of its partition from then on', async () => {
    const { topic, topics, engine } = await setup()
    engine.before = (operation, path) => {
      if (operation === 'append' && path.endsWith('/1')) {
        throw new BrokerError('LOG_FENCED', 'sync failed')
      }
    }
    await expect(
      publishMessages(topic, [{ value: 'x', partition: 1 }], 'all'),
    ).rejects.toMatchObject({ code: 'LOG_FENCED' })
    expect(topics.problems()).toEqual(['t-1: sync failed'])
  })
})
