import { describe, expect, test } from 'vitest'
import { BrokerError } from '../../../src/kernel/errors.ts'
import { offset } from '../../../src/kernel/units.ts'
import { batchOf } from '../../../src/record/index.ts'
import { readTopic, type Topic } from '../../../src/topics/index.ts'
import { StubEngine } from '../../support/stubEngine.ts'
import { LIMIT, topicsWorld, turn, valuesOf } from '../../support/topicsWorld.ts'

const NO_WAIT = { waitMs: 0 }
const WAIT = { waitMs: 10_000 }

async function setup(partitions = 3, waitersMax = 10_000) {
  const world = await topicsWorld(new StubEngine(), { waitersMax })
  const topic = await world.topics.create({ name: 't', partitions })
  const append = (partition: number, ...values: string[]) =>
    topic.partition(partition).append(batchOf(...values.map((value) => ({ value }))), 'leader')
  return { ...world, topic, append }
}

describe('reading a partition', () => {
  test('a long poll is answered by the append, in the same turn in which it becomes readable', async () => {
    const { topic, append } = await setup(1)
    const partition = topic.partition(0)
    const poll = partition.read(offset(0), LIMIT, WAIT)
    await turn()
    expect(partition.waiterCount).toBe(1)
    let readable: number | undefined
    partition.subscribe((_, next) => {
      readable = next
      expect(partition.waiterCount).toBe(1)
      queueMicrotask(() => expect(partition.waiterCount).toBe(0))
    })
    await append(0, 'a', 'b')
    expect(readable).toBe(2)
    expect(valuesOf((await poll).bytes)).toEqual(['a', 'b'])
  })

  test('an append wakes nobody who reads another partition', async () => {
    const { topic, append } = await setup(2)
    const woken: number[] = []
    const polls = [0, 1].map((i) =>
      topic
        .partition(i)
        .read(offset(0), LIMIT, WAIT)
        .then(() => woken.push(i)),
    )
    await append(1, 'x')
    await polls[1]
    await turn()
    expect(woken).toEqual([1])
    expect(topic.partition(0).waiterCount).toBe(1)
  })

  test('what is there is given at once, however long the poll', async () => {
    const { topic, append, clock } = await setup(1)
    await append(0, 'a')
    const before = clock.pendingTimers
    expect(valuesOf((await topic.partition(0).read(offset(0), LIMIT, WAIT)).bytes)).toEqual(['a'])
    expect(clock.pendingTimers).toBe(before)
  })

  test('a poll whose time is up gets an empty answer at the offset it asked for', async () => {
    const { topic, append, clock } = await setup(1)
    await append(0, 'a')
    const poll = topic.partition(0).read(offset(1), LIMIT, WAIT)
    await turn()
    clock.advance(10_000)
    expect(await poll).toMatchObject({ count: 0, nextOffset: 1, highWatermark: 1 })
  })

  test('a caller that goes away ends its poll', async () => {
    const { topic, topics } = await setup(1)
    const controller = new AbortController()
    const poll = topic
      .partition(0)
      .read(offset(0), LIMIT, { waitMs: 10_000, signal: controller.signal })
    await turn()
    controller.abort()
    await expect(poll).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(topics.waiterCount).toBe(0)
  })

  test('an offset outside is refused with what there is', async () => {
    const { topic, append, engine } = await setup(1)
    await append(0, 'a', 'b')
    await append(0, 'c')
    const log = engine.openLogs.get(topic.partition(0).path)
    await log?.truncateBefore(2)
    for (const bad of [0, 1, 4]) {
      await expect(topic.partition(0).read(offset(bad), LIMIT, WAIT)).rejects.toMatchObject({
        code: 'OFFSET_OUT_OF_RANGE',
        fields: { earliest: '2', latest: '3' },
      })
    }
  })

  test('500 polls wait without a timer that fires, and one append answers them all', async () => {
    const { topic, append, clock, topics } = await setup(1)
    const polls = Array.from({ length: 500 }, () =>
      topic.partition(0).read(offset(0), LIMIT, { waitMs: 60_000 }),
    )
    await turn()
    clock.advance(59_000)
    expect([topics.waiterCount, clock.firedTimers]).toEqual([500, 0])
    await append(0, 'x')
    const counts = (await Promise.all(polls)).map((result) => result.count)
    expect(counts).toEqual(new Array(500).fill(1))
    expect([topics.waiterCount, clock.pendingTimers]).toEqual([0, 1]) // retention
  })

  test('bytes that are not records are a problem of the partition from then on', async () => {
    const { topic, topics, engine, append } = await setup(1)
    await append(0, 'a')
    engine.before = (operation) => {
      if (operation === 'read') throw new BrokerError('LOG_CORRUPT', '0000.log at 17')
    }
    await expect(topic.partition(0).read(offset(0), LIMIT)).rejects.toMatchObject({
      code: 'LOG_CORRUPT',
    })
    expect(topics.problems()).toEqual(['t-0: 0000.log at 17'])
  })

  test('one poll too many is refused', async () => {
    const { topic } = await setup(1, 1)
    void topic.partition(0).read(offset(0), LIMIT, WAIT)
    await expect(topic.partition(0).read(offset(0), LIMIT, WAIT)).rejects.toMatchObject({
      code: 'TOO_MANY_WAITERS',
    })
  })

  test('earliest, latest and a time are offsets of the moment', async () => {
    const { topic, append, engine } = await setup(1)
    const partition = topic.partition(0)
    await append(0, 'a')
    engine.nowMs = () => 2000
    await append(0, 'b', 'c')
    expect(await partition.resolve({ at: 'earliest' })).toBe(0)
    expect(await partition.resolve({ at: 'latest' })).toBe(3)
    expect(await partition.resolve({ timeMs: 1001 })).toBe(1)
    expect(await partition.resolve({ timeMs: 3000 })).toBe(3)
  })

  test('a subscriber hears which lanes grew, in the turn in which the partition knows them', async () => {
    const { topics } = await topicsWorld()
    const partition = (await topics.create({ name: 'orders' })).partition(0)
    const heard: unknown[] = []
    partition.subscribe((from, _next, lanes) => {
      heard.push([lanes, partition.lanes.next(0, from, 10)])
    })
    await partition.append(batchOf({ value: 'a', priority: 0 }, { value: 'b', priority: 4 }), 'all')
    await partition.append(batchOf({ value: 'c' }), 'all')
    expect(heard).toEqual([
      [
        [1, 0, 0, 0, 1],
        [0, 1],
      ],
      [undefined, []],
    ])
    expect(partition.lanes.count(4, 0)).toBe(1)
    await partition.close('stopped')
    expect(() => partition.lanes).toThrow(expect.objectContaining({ code: 'SHUTTING_DOWN' }))
  })

  test('a subscriber hears of every range once, until it leaves', async () => {
    const { topic, append } = await setup(1)
    const ranges: [number, number][] = []
    const leave = topic.partition(0).subscribe((from, next) => ranges.push([from, next]))
    await Promise.all([append(0, 'a'), append(0, 'b', 'c')])
    leave()
    await append(0, 'd')
    expect(ranges).toEqual([
      [0, 1],
      [1, 3],
    ])
  })
})

describe('reading a topic', () => {
  /** Reads to the end by positions; the values in order of arrival. */
  async function readAll(topic: Topic, limit = LIMIT): Promise<string[]> {
    const values: string[] = []
    let reply = await readTopic(topic, { at: 'earliest' }, limit, NO_WAIT)
    for (let left = 1000; reply.parts.length > 0 && left > 0; left -= 1) {
      for (const { result } of reply.parts) values.push(...valuesOf(result.bytes))
      reply = await readTopic(topic, { positions: reply.positions }, limit, NO_WAIT)
    }
    return values
  }

  test('positions lead through everything once', async () => {
    const { topic, append } = await setup(3)
    const all: string[] = []
    for (let i = 0; i < 60; i += 1) {
      await append(i % 4 === 0 ? 0 : i % 3, `v${i}`)
      all.push(`v${i}`)
    }
    expect((await readAll(topic)).sort()).toEqual(all.toSorted())
    expect((await readAll(topic, { maxBytes: 100, maxRecords: 2 })).sort()).toEqual(all.toSorted())
  })

  test('a full partition does not keep the others from being read', async () => {
    const { topic, append } = await setup(3)
    await append(0, ...Array.from({ length: 100 }, (_, i) => `a${i}`))
    await append(1, 'b')
    await append(2, 'c')
    const limit = { maxBytes: 1 << 20, maxRecords: 9 }
    const { parts } = await readTopic(topic, { at: 'earliest' }, limit, NO_WAIT)
    expect(parts.map((part) => [part.partition, part.result.count])).toEqual([
      [0, 3],
      [1, 1],
      [2, 1],
    ])
  })

  test('with room for one record at a time every partition has its turn', async () => {
    const { topic, append } = await setup(3)
    for (const p of [0, 1, 2]) await append(p, ...Array.from({ length: 10 }, () => `p${p}`))
    let positions: readonly number[] = [0, 0, 0]
    for (let i = 0; i < 12; i += 1) {
      const limit = { maxBytes: 1 << 20, maxRecords: 1 }
      ;({ positions } = await readTopic(topic, { positions }, limit, NO_WAIT))
    }
    expect(positions).toEqual([4, 4, 4])
  })

  test('a long poll is answered by an append to any partition', async () => {
    const { topic, append, topics } = await setup(3)
    const poll = readTopic(topic, { at: 'latest' }, LIMIT, WAIT)
    await turn()
    expect(topics.waiterCount).toBe(1)
    await append(2, 'x')
    expect(await poll).toMatchObject({ parts: [{ partition: 2 }], positions: [0, 0, 1] })
    expect(topics.waiterCount).toBe(0)
  })

  test('a poll whose time is up keeps its positions', async () => {
    const { topic, append, clock } = await setup(2)
    await append(0, 'a')
    const poll = readTopic(topic, { positions: [1, 0] }, LIMIT, WAIT)
    await turn()
    clock.advance(10_000)
    expect(await poll).toEqual({ parts: [], positions: [1, 0] })
  })

  test('deletion ends the wait', async () => {
    const { topic, topics } = await setup(2)
    const poll = readTopic(topic, { at: 'latest' }, LIMIT, WAIT)
    await turn()
    await topics.delete('t')
    await expect(poll).rejects.toMatchObject({ code: 'TOPIC_NOT_FOUND' })
  })

  test('positions that are not one per partition are refused', async () => {
    const { topic } = await setup(3)
    await expect(readTopic(topic, { positions: [0, 0] }, LIMIT, NO_WAIT)).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      fields: { positions: /3 offsets/ },
    })
  })
})
