import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Broker } from '../../../src/broker/index.ts'
import { nodeFileSystem } from '../../../src/io/index.ts'
import { silentLogger } from '../../../src/kernel/platform.ts'
import { openSegmentedEngine } from '../../../src/log/index.ts'
import { decodeRecords } from '../../../src/record/index.ts'
import { FakeClock } from '../../support/fakeClock.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'goqueue-broker-'))
})

afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

async function open(clock = new FakeClock()) {
  const platform = { clock, random: () => 0, logger: silentLogger }
  const engine = await openSegmentedEngine({ directory, fileSystem: nodeFileSystem, platform })
  const broker = new Broker({ engine, platform })
  await broker.start()
  return { broker, clock }
}

const values = (bytes: Buffer): string[] =>
  [...decodeRecords(bytes)].map((record) => String(record.value))

const topicDirectories = async (): Promise<string[]> =>
  (await readdir(join(directory, 'topics'))).sort()

describe('a Broker on a directory', () => {
  test('has everything again after a restart', async () => {
    const { broker } = await open()
    await broker.createTopic('orders', { partitions: 2, config: { retentionMs: null } })
    const messages = Array.from({ length: 500 }, (_, i) => ({ key: `k${i % 7}`, value: `v${i}` }))
    await broker.publish('orders', messages)
    const before = await broker.describeTopic('orders')
    await broker.stop()
    const { broker: again } = await open()
    expect(await again.describeTopic('orders')).toEqual(before)
    const { parts } = await again.readTopic('orders', { maxRecords: 1000 })
    const found = parts.flatMap((part) => values(part.result.bytes))
    expect(found.sort()).toEqual(messages.map((message) => message.value).sort())
    await again.stop()
  })

  test('many long polls and many publishers: everyone gets everything in order', async () => {
    const { broker } = await open()
    await broker.createTopic('t', { partitions: 1 })
    const follow = async (): Promise<string[]> => {
      const seen: string[] = []
      for (let at = 0; at < 300; ) {
        const { bytes, nextOffset } = await broker.read('t', 0, {
          from: { offset: at },
          waitMs: 60_000,
        })
        seen.push(...values(bytes))
        at = nextOffset
      }
      return seen
    }
    const readers = Array.from({ length: 20 }, follow)
    const publish = async (name: string): Promise<void> => {
      for (let i = 0; i < 100; i += 1) await broker.publish('t', [{ value: `${name}${i}` }])
    }
    await Promise.all(['a', 'b', 'c'].map(publish))
    const [first, ...rest] = await Promise.all(readers)
    for (const other of rest) expect(other).toEqual(first)
    for (const name of ['a', 'b', 'c']) {
      const own = first?.filter((value) => value.startsWith(name))
      expect(own).toEqual(Array.from({ length: 100 }, (_, i) => `${name}${i}`))
    }
    await broker.stop()
  })

  test('a deleted topic is gone from the disk, and made again it is empty', async () => {
    const { broker } = await open()
    await broker.createTopic('t')
    await broker.publish('t', [{ value: 'old' }])
    await broker.deleteTopic('t')
    expect(await topicDirectories()).toEqual([])
    await broker.createTopic('t')
    expect(await topicDirectories()).toEqual(['t~2'])
    const { partitions } = await broker.describeTopic('t')
    expect(partitions.map((partition) => partition.latest)).toEqual([0, 0, 0])
    await broker.stop()
  })

  test('a damaged partition is unavailable, named by file, and the rest runs', async () => {
    const { broker } = await open()
    await broker.createTopic('t', { partitions: 2, config: { segmentBytes: 8192 } })
    for (let i = 0; i < 100; i += 1) {
      await broker.publish('t', [{ value: 'x'.repeat(300), partition: 0 }], { acks: 'leader' })
    }
    await broker.publish('t', [{ value: 'fine', partition: 1 }])
    await broker.stop()
    await rm(join(directory, 'CLEAN'))
    const file = join(directory, 'topics/t~1/0/00000000000000000000.log')
    await writeFile(file, (await readFile(file)).subarray(0, -5))
    const { broker: again } = await open()
    const [problem] = again.status().problems
    expect(problem).toMatch(/^t-0: .*00000000000000000000\.log/)
    await expect(again.read('t', 0)).rejects.toMatchObject({ code: 'PARTITION_UNAVAILABLE' })
    expect(values((await again.read('t', 1)).bytes)).toEqual(['fine'])
    await again.publish('t', [{ value: 'x' }])
    await again.deleteTopic('t')
    expect(await topicDirectories()).toEqual([])
    await again.stop()
  })

  test('a smaller segment size and retention take effect on the open topic', async () => {
    const { broker, clock } = await open()
    await broker.createTopic('t', { partitions: 1 })
    const fill = async (): Promise<void> => {
      for (let i = 0; i < 30; i += 1) await broker.publish('t', [{ value: 'x'.repeat(1000) }])
    }
    await fill()
    expect((await broker.describeTopic('t')).partitions[0]?.segments).toBe(1)
    await broker.configureTopic('t', { segmentBytes: 8192, retentionMs: 60_000 })
    await fill()
    const { partitions } = await broker.describeTopic('t')
    expect(partitions[0]?.segments).toBeGreaterThan(3)
    clock.advance(200_000)
    await broker.runRetention()
    const [after] = (await broker.describeTopic('t')).partitions
    expect(after?.segments).toBeLessThanOrEqual(2)
    expect(after?.earliest).toBeGreaterThan(0)
    await expect(broker.read('t', 0, { from: { offset: 0 } })).rejects.toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
      fields: { earliest: String(after?.earliest), latest: '60' },
    })
    await broker.stop()
  })

  test('a hundred topics are open again at once, and gone again one by one', async () => {
    const { broker } = await open()
    const names = Array.from({ length: 100 }, (_, i) => `topic-${String(i).padStart(2, '0')}`)
    await Promise.all(names.map((name) => broker.createTopic(name, { partitions: 2 })))
    await broker.stop()
    const { broker: again } = await open()
    expect(await again.listTopics()).toEqual(names)
    await Promise.all(names.map((name) => again.deleteTopic(name)))
    expect(await topicDirectories()).toEqual([])
    await again.stop()
  })
})
