import { describe, expect, test } from 'vitest'
import { BrokerError } from '../../../src/kernel/errors.ts'
import { armFailpoint, type Failpoint } from '../../../src/kernel/failpoint.ts'
import { offset } from '../../../src/kernel/units.ts'
import { batchOf } from '../../../src/record/index.ts'
import { StubEngine } from '../../support/stubEngine.ts'
import { LIMIT, topicsWorld, turn, unstartedWorld, valuesOf } from '../../support/topicsWorld.ts'

const paths = (engine: StubEngine): string[] =>
  [...engine.disk.logs.keys()].filter((path) => path.startsWith('topics/')).sort()

describe('Topics', () => {
  test('a new topic has its partitions open and its configuration complete', async () => {
    const { topics, engine } = await topicsWorld()
    const topic = await topics.create({ name: 'orders', config: { retentionMs: null } })
    expect(topic.view()).toMatchObject({
      name: 'orders',
      config: { retentionMs: null, retentionBytes: null, segmentBytes: 64 << 20 },
      partitions: [0, 1, 2].map((partition) => ({ partition, earliest: 0, latest: 0 })),
    })
    expect(paths(engine)).toEqual([0, 1, 2].map((i) => `topics/orders~1/${i}`))
    expect(topics.names()).toEqual(['orders'])
  })

  test('everything that is wrong with a new topic is told at once', async () => {
    const { topics, engine } = await topicsWorld()
    const bad = {
      name: '../x',
      partitions: 1025,
      config: { segmentBytes: 1.5, retentionMs: -1, retentionBytes: 0, colour: 'blue' },
    }
    await expect(topics.create(bad)).rejects.toMatchObject({
      code: 'INVALID_TOPIC_NAME',
      fields: {
        name: expect.any(String),
        partitions: expect.stringContaining('1024'),
        'config.segmentBytes': expect.any(String),
        'config.retentionMs': expect.any(String),
        'config.retentionBytes': expect.any(String),
        'config.colour': expect.any(String),
      },
    })
    await expect(topics.create({ name: 'a', partitions: 0 })).rejects.toMatchObject({
      code: 'INVALID_PARTITIONS',
    })
    await expect(
      topics.create({ name: 'a', config: { recordBytesMax: 2048, segmentBytes: 1024 } }),
    ).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      fields: { 'config.recordBytesMax': expect.any(String) },
    })
    expect(engine.disk.logs.get('state/topics/journal')?.next).toBe(0)
  })

  test('a small segment takes the record limit down with it', async () => {
    const { topics } = await topicsWorld()
    const { config } = await topics.create({ name: 'a', config: { segmentBytes: 2048 } })
    expect(config.recordBytesMax).toBe(2048)
  })

  test('a name is taken once, also by two at the same time', async () => {
    const { topics } = await topicsWorld()
    const both = await Promise.allSettled([
      topics.create({ name: 'a' }),
      topics.create({ name: 'a' }),
    ])
    expect(both.map((each) => each.status).sort()).toEqual(['fulfilled', 'rejected'])
    await expect(topics.create({ name: 'a' })).rejects.toMatchObject({ code: 'TOPIC_EXISTS' })
  })

  test('the numbers of topics and of partitions have limits', async () => {
    const { topics } = await topicsWorld(new StubEngine(), { topicsMax: 2, partitionsMax: 5 })
    await topics.create({ name: 'a', partitions: 2 })
    await expect(topics.create({ name: 'b', partitions: 4 })).rejects.toMatchObject({
      code: 'LIMIT_REACHED',
    })
    await topics.create({ name: 'b', partitions: 3 })
    await topics.delete('a')
    await topics.create({ name: 'c', partitions: 1 })
    await expect(topics.create({ name: 'd', partitions: 1 })).rejects.toMatchObject({
      code: 'LIMIT_REACHED',
    })
  })

  test('topics, configurations and records are there again after a restart', async () => {
    const { topics, engine } = await topicsWorld()
    const topic = await topics.create({ name: 'a', partitions: 2 })
    await topics.create({ name: 'b' })
    await topics.configure('b', { retentionBytes: 5000 })
    await topic.partition(1).append(batchOf({ value: 'x' }), 'all')
    await topics.stop()
    expect(engine.openLogs.size).toBe(0)
    const next = await topicsWorld(engine.crash())
    expect(next.topics.names()).toEqual(['a', 'b'])
    expect(next.topics.get('b').config.retentionBytes).toBe(5000)
    const read = await next.topics.get('a').partition(1).read(offset(0), LIMIT)
    expect(valuesOf(read.bytes)).toEqual(['x'])
  })

  test('a partition that does not open is unavailable and the rest runs', async () => {
    const { topics, engine } = await topicsWorld()
    await topics.create({ name: 'a' })
    await topics.create({ name: 'b' })
    const next = engine.crash()
    next.before = (operation, path) => {
      if (operation === 'open' && path === 'topics/a~1/1') {
        throw new BrokerError('LOG_CORRUPT', 'bad record in 0000.log at 96')
      }
    }
    const world = await topicsWorld(next)
    expect(world.topics.problems()).toEqual(['a-1: bad record in 0000.log at 96'])
    expect(world.topics.health()).toMatchObject([
      { name: 'catalogue', status: 'pass' },
      { name: 'partitions', status: 'warn', message: /0000\.log at 96/ },
    ])
    expect(world.logged.map((each) => each.message)).toEqual(['partition unavailable'])
    const topic = world.topics.get('a')
    await expect(topic.partition(1).append(batchOf({ value: 'x' }), 'all')).rejects.toMatchObject({
      code: 'PARTITION_UNAVAILABLE',
      message: /0000\.log at 96/,
    })
    await topic.partition(0).append(batchOf({ value: 'x' }), 'all')
    await world.topics
      .get('b')
      .partition(1)
      .append(batchOf({ value: 'x' }), 'all')
    expect(topic.view().partitions.map((each) => each.problem === undefined)).toEqual([
      true,
      false,
      true,
    ])
  })

  test('a topic whose logs do not open is taken back', async () => {
    const { topics, engine } = await topicsWorld()
    engine.before = (operation, path) => {
      if (operation === 'open' && path.endsWith('/2')) {
        throw new BrokerError('TOO_MANY_FILES', 'no file descriptor left')
      }
    }
    await expect(topics.create({ name: 'a' })).rejects.toMatchObject({ code: 'TOO_MANY_FILES' })
    engine.before = () => undefined
    expect(topics.names()).toEqual([])
    expect(paths(engine)).toEqual([])
    expect((await topics.create({ name: 'a' })).id).toBe(2)
  })

  test('a new segment size reaches the open logs', async () => {
    const { topics, engine } = await topicsWorld()
    await topics.create({ name: 'a', partitions: 2 })
    const topic = await topics.configure('a', { segmentBytes: 4096 })
    expect(topic.config).toMatchObject({ segmentBytes: 4096, recordBytesMax: 4096 })
    for (const path of paths(engine)) {
      expect(engine.openLogs.get(path)?.options.segmentBytes).toBe(4096)
    }
    await expect(topics.configure('a', { recordBytesMax: 8192 })).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
    })
    await expect(topics.configure('b', {})).rejects.toMatchObject({ code: 'TOPIC_NOT_FOUND' })
  })

  test('a change that overtakes the opening of a new topic is in force', async () => {
    const { topics } = await topicsWorld()
    const made = topics.create({ name: 'a' })
    const changed = topics.configure('a', { retentionMs: 5 })
    await Promise.all([made, changed])
    expect(topics.get('a').config.retentionMs).toBe(5)
  })

  test('a catalogue older than the files it should know refuses the start', async () => {
    const { topics, engine } = await topicsWorld()
    await topics.create({ name: 'a' })
    const next = engine.crash()
    next.disk.logs.delete('state/topics/journal')
    const { topics: again } = unstartedWorld(next)
    await expect(again.start()).rejects.toMatchObject({
      code: 'LOG_CORRUPT',
      message: /topics\/a~1/,
    })
    expect(paths(next)).toHaveLength(3)
  })

  test('what is not named like a topic is left alone', async () => {
    const { topics, engine } = await topicsWorld()
    await topics.create({ name: 'a' })
    const log = engine.disk.logs.get('topics/a~1/0')
    if (log) engine.disk.logs.set('topics/lost+found/x', log)
    const next = engine.crash()
    await topicsWorld(next)
    expect(paths(next)).toContain('topics/lost+found/x')
  })

  test('after stop began nothing is created, and stop may come twice', async () => {
    const { topics } = await topicsWorld()
    const stopped = Promise.all([topics.stop(), topics.stop()])
    await stopped
    await expect(topics.create({ name: 'a' })).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
  })
})

describe('deleting a topic', () => {
  test('readers that wait are told, those under way finish, then the files go', async () => {
    const { topics, engine, clock } = await topicsWorld()
    const topic = await topics.create({ name: 'a', partitions: 1 })
    const partition = topic.partition(0)
    await partition.append(batchOf({ value: 'x' }), 'all')
    let letRead: () => void = () => undefined
    engine.before = (operation) => {
      if (operation !== 'read') return Promise.resolve()
      return new Promise<void>((resolve) => {
        letRead = resolve
      })
    }
    const order: string[] = []
    const reading = partition.read(offset(0), LIMIT).then((result) => {
      order.push(`read ${valuesOf(result.bytes)}`)
    })
    const waiting = partition.read(offset(1), LIMIT, { waitMs: 60_000 }).catch((error) => {
      order.push(error.code)
    })
    engine.after = (operation) => void (operation === 'remove' && order.push('removed'))
    const deleting = topics.delete('a')
    await waiting
    await turn()
    expect(order).toEqual(['TOPIC_NOT_FOUND'])
    expect(() => topics.get('a')).toThrow(expect.objectContaining({ code: 'TOPIC_NOT_FOUND' }))
    letRead()
    await Promise.all([deleting, reading])
    expect(order).toEqual(['TOPIC_NOT_FOUND', 'read x', 'removed'])
    expect(clock.pendingTimers).toBe(1) // retention
    await expect(partition.read(offset(0), LIMIT)).rejects.toMatchObject({
      code: 'TOPIC_NOT_FOUND',
    })
    await expect(partition.append(batchOf({ value: 'x' }), 'all')).rejects.toMatchObject({
      code: 'TOPIC_NOT_FOUND',
    })
  })

  test('the same name made again starts empty, in a place of its own', async () => {
    const { topics, engine } = await topicsWorld()
    const old = await topics.create({ name: 'a', partitions: 1 })
    await old.partition(0).append(batchOf({ value: 'old' }), 'all')
    const [, made] = await Promise.all([
      topics.delete('a'),
      topics.create({ name: 'a', partitions: 1 }),
    ])
    expect(topics.get('a')).toBe(made)
    expect(made.partition(0).offsets().next).toBe(0)
    expect(paths(engine)).toEqual(['topics/a~2/0'])
  })

  test('one that is only just being made goes as well', async () => {
    const { topics, engine } = await topicsWorld()
    const making = topics.create({ name: 'a' }).catch((error) => error.code)
    await topics.delete('a')
    expect(await making).toBe('TOPIC_NOT_FOUND')
    expect([topics.names(), paths(engine), engine.openLogs.size]).toEqual([[], [], 1])
  })

  test('two deletions: one succeeds, the other finds nothing', async () => {
    const { topics } = await topicsWorld()
    await topics.create({ name: 'a' })
    const both = await Promise.allSettled([topics.delete('a'), topics.delete('a')])
    expect(both.map((each) => each.status).sort()).toEqual(['fulfilled', 'rejected'])
  })

  test('files that cannot be removed now go at the next start', async () => {
    const { topics, engine, logged } = await topicsWorld()
    await topics.create({ name: 'a' })
    engine.before = (operation) => {
      if (operation === 'remove') throw new Error('busy')
    }
    await topics.delete('a')
    expect(logged.at(-1)?.message).toMatch(/left for the next start/)
    expect(paths(engine)).toHaveLength(3)
    const next = engine.crash()
    await topicsWorld(next)
    expect(paths(next)).toEqual([])
  })

  test('a crash between the files of two partitions is finished by the next start', async () => {
    const { topics, engine } = await topicsWorld()
    await topics.create({ name: 'a' })
    let next: StubEngine | undefined
    const disarm = armFailpoint('topic.delete.half-removed', () => {
      next = engine.crash()
    })
    void topics.delete('a')
    while (next === undefined) await turn()
    disarm()
    expect(paths(next)).toEqual(['topics/a~1/1', 'topics/a~1/2'])
    const again = await topicsWorld(next)
    expect([again.topics.names(), paths(next)]).toEqual([[], []])
  })

  test.each(['topic.create.after-journal', 'topic.delete.after-journal'] as const)(
    'a crash at %s is finished by the next start',
    async (name: Failpoint) => {
      const { topics, engine } = await topicsWorld()
      await topics.create({ name: 'a' })
      let next: StubEngine | undefined
      const disarm = armFailpoint(name, () => {
        next = engine.crash()
        throw new Error('died')
      })
      const change = name.includes('create') ? topics.create({ name: 'b' }) : topics.delete('a')
      await expect(change).rejects.toThrow('died')
      disarm()
      const again = await topicsWorld(next)
      const wanted = name.includes('create') ? ['a', 'b'] : []
      expect(again.topics.names()).toEqual(wanted)
      expect(paths(again.engine)).toHaveLength(wanted.length * 3)
    },
  )

  test('a crash at any step leaves the topic whole or gone, and its name free to use', async () => {
    let dieAt = 1
    while (await deletionCutAt(dieAt)) dieAt += 1
    expect(dieAt).toBeGreaterThan(10)
  })
})

/** Resolves with false where the deletion was over before the cut. */
async function deletionCutAt(dieAt: number): Promise<boolean> {
  const { topics, engine } = await topicsWorld()
  const topic = await topics.create({ name: 'a' })
  for (const partition of topic.partitions) await partition.append(batchOf({ value: 'x' }), 'all')
  const next = await Promise.race([engineAfter(engine, dieAt), topics.delete('a')])
  if (next === undefined) return false
  const again = await topicsWorld(next)
  const [found] = again.topics.all()
  expect(paths(next), `boundary ${dieAt}`).toHaveLength(found === undefined ? 0 : 3)
  if (found !== undefined) {
    expect(found.partitions.map((partition) => partition.offsets().next)).toEqual([1, 1, 1])
    await again.topics.delete('a')
  }
  const made = await again.topics.create({ name: 'a' })
  expect(made.partitions.map((partition) => partition.offsets().next)).toEqual([0, 0, 0])
  return true
}

/** Pulls the plug at the n-th boundary from now on; resolves with what the next life finds. */
function engineAfter(engine: StubEngine, boundaries: number): Promise<StubEngine> {
  return new Promise((resolve) => {
    let left = boundaries
    const boundary = (): void => {
      left -= 1
      if (left === 0) resolve(engine.powerLoss())
    }
    engine.before = boundary
    engine.after = boundary
  })
}
