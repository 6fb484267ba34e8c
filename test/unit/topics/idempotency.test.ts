import { describe, expect, test } from 'vitest'
import { silentLogger } from '../../../src/kernel/platform.ts'
import { memoryEngine } from '../../../src/log/index.ts'
import { decodeRecords } from '../../../src/record/index.ts'
import {
  IDEMPOTENCY_WINDOW_MS,
  type PublishMessage,
  publishRequestOnce,
  Topics,
} from '../../../src/topics/index.ts'
import { FakeClock } from '../../support/fakeClock.ts'

async function setup() {
  const clock = new FakeClock()
  const platform = { clock, random: () => 0, logger: silentLogger }
  const engine = memoryEngine(platform)
  let topics = new Topics({ engine, platform })
  await topics.start()
  await topics.create({ name: 'orders' })
  const publish = (key: string, bodyChecksum: number, ...messages: PublishMessage[]) =>
    publishRequestOnce(topics.get('orders'), messages, {
      acks: 'all',
      request: { key, bodyChecksum },
      nowMs: clock.nowMs(),
    })
  const restart = async () => {
    await topics.stop()
    topics = new Topics({ engine, platform })
    await topics.start()
  }
  const values = async () => {
    const found: string[] = []
    for (const partition of topics.get('orders').partitions) {
      const { bytes } = await partition.read(partition.offsets().start, {
        maxBytes: 1 << 20,
        maxRecords: 1000,
      })
      found.push(...[...decodeRecords(bytes)].map((record) => String(record.value)))
    }
    return found.sort()
  }
  return { clock, publish, restart, values }
}

const MESSAGES = [{ key: 'a', value: '1' }, { key: 'b', value: '2' }, { value: '3' }]

describe('a request that names itself', () => {
  test('is stored once, also when it comes twice at once', async () => {
    const { publish, values } = await setup()
    const [first, second] = await Promise.all([
      publish('r1', 7, ...MESSAGES),
      publish('r1', 7, ...MESSAGES),
    ])
    expect(first.runs.some((run) => run.duplicate)).toBe(false)
    expect(second.runs).toEqual(first.runs.map((run) => ({ ...run, duplicate: true })))
    expect(await values()).toEqual(['1', '2', '3'])
  })

  test('is answered with its first offsets after a restart', async () => {
    const { publish, restart, values } = await setup()
    const first = await publish('r1', 7, ...MESSAGES)
    await restart()
    const again = await publish('r1', 7, ...MESSAGES)
    expect(again.runs).toEqual(first.runs.map((run) => ({ ...run, duplicate: true })))
    expect(await values()).toEqual(['1', '2', '3'])
  })

  test('with another body is a conflict, before and after a restart', async () => {
    const { publish, restart, values } = await setup()
    await publish('r1', 7, { value: '1' })
    const conflict = { code: 'IDEMPOTENCY_CONFLICT' }
    await expect(publish('r1', 99, { value: 'other' })).rejects.toMatchObject(conflict)
    await restart()
    await expect(publish('r1', 99, { value: 'other' })).rejects.toMatchObject(conflict)
    expect(await values()).toEqual(['1'])
  })

  test('may be tried again when it failed', async () => {
    const { publish, values } = await setup()
    await expect(publish('r1', 7, { value: 'x', partition: 99 })).rejects.toMatchObject({
      code: 'PARTITION_NOT_FOUND',
    })
    const { runs } = await publish('r1', 7, { value: 'x', partition: 1 })
    expect(runs).toMatchObject([{ partition: 1, baseOffset: 0 }])
    expect(await values()).toEqual(['x'])
  })

  test('is another request when the window is over', async () => {
    const { clock, publish, values } = await setup()
    await publish('r1', 7, { value: 'x' })
    clock.advance(IDEMPOTENCY_WINDOW_MS + 1)
    const { runs } = await publish('r1', 7, { value: 'x' })
    expect(runs[0]?.duplicate).toBeUndefined()
    expect(await values()).toEqual(['x', 'x'])
  })
})
