/** A long backlog on files, with one record in it that cannot wait. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Broker } from '../../../src/broker/index.ts'
import { nodeFileSystem } from '../../../src/io/index.ts'
import { silentLogger } from '../../../src/kernel/platform.ts'
import type { Priority } from '../../../src/kernel/priority.ts'
import { openSegmentedEngine } from '../../../src/log/index.ts'
import { batchOf, decodeRecords } from '../../../src/record/index.ts'
import { FakeClock } from '../../support/fakeClock.ts'
import { SeededRandom } from '../../support/random.ts'

const BACKLOG = 20_000
const BATCH = 500
const caller = { principal: 'test', requestId: 'test' }

async function setup() {
  const directory = await mkdtemp(join(tmpdir(), 'goqueue-backlog-'))
  onTestFinished(async () => await rm(directory, { recursive: true }))
  const clock = new FakeClock()
  const platform = { clock, random: new SeededRandom(1).next, logger: silentLogger }
  const start = async (): Promise<Broker> => {
    const engine = await openSegmentedEngine({ directory, fileSystem: nodeFileSystem, platform })
    const broker = new Broker({ engine, platform })
    await broker.start()
    return broker
  }
  return { start }
}

async function fill(broker: Broker, count: number, priority: Priority): Promise<void> {
  for (let left = count; left > 0; left -= BATCH) {
    const records = Array.from({ length: Math.min(left, BATCH) }, () => ({ value: 'x', priority }))
    const batch = batchOf(...records)
    const input = { topic: 't', partition: 0, batch, acks: 'leader' as const }
    await broker.call('records.publishBatch', input, caller)
  }
}

async function poll(broker: Broker, memberId: string, maxMessages: number): Promise<number[]> {
  const asked = { group: 'g', memberId, maxMessages, maxBytes: 1_000_000, waitMs: 0 }
  const polled = await broker.call('groups.poll', { ...asked, autoCommit: false }, caller)
  if (polled.rebalance) throw new Error('a rebalance')
  return polled.value.parts.flatMap(({ bytes }) => [...decodeRecords(bytes)].map((r) => r.offset))
}

test('one critical record behind a long backlog is handed out by the next poll, also after a restart', async () => {
  const { start } = await setup()
  const broker = await start()
  const config = { segmentBytes: 64 * 1024 }
  await broker.call('topics.create', { name: 't', partitions: 1, config }, caller)
  const joining = { group: 'g', clientId: 'w', topics: ['t'], sessionTimeoutMs: 600_000 }
  const { memberId } = await broker.call('groups.join', joining, caller)
  await fill(broker, BACKLOG, 4)
  expect(await poll(broker, memberId, 3)).toEqual([0, 1])
  await fill(broker, 1, 0)
  expect(await poll(broker, memberId, 1)).toEqual([BACKLOG])
  await fill(broker, 1, 0)
  await broker.stop()
  const next = await start()
  expect(await poll(next, memberId, 1)).toEqual([BACKLOG + 1])
  const { ready } = await next.call('priority.stats', {}, caller)
  expect(ready).toEqual([0, 0, 0, 0, BACKLOG - 2])
  await next.stop()
})
