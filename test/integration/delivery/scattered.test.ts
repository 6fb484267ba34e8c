/** Lanes whose records lie scattered among each other, read back from files. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { nodeFileSystem } from '../../../src/io/index.ts'
import { silentLogger } from '../../../src/kernel/platform.ts'
import type { Priority } from '../../../src/kernel/priority.ts'
import { openSegmentedEngine } from '../../../src/log/index.ts'
import { decodeRecords } from '../../../src/record/index.ts'
import { FakeClock } from '../../support/fakeClock.ts'
import { SeededRandom } from '../../support/random.ts'
import { House } from '../../unit/delivery/house.ts'

const RECORDS = 2_000
const PER_POLL = 100
const MEMBERS = ['a', 'b', 'c', 'd']

/** Nothing stays in memory but what is being handed out. */
async function houseOnFiles() {
  const directory = await mkdtemp(join(tmpdir(), 'goqueue-scattered-'))
  const clock = new FakeClock()
  const platform = { clock, random: new SeededRandom(1).next, logger: silentLogger }
  const options = { tailCacheBytes: 0 }
  const setup = { directory, fileSystem: nodeFileSystem, platform, options }
  const home = await new House({ engine: await openSegmentedEngine(setup), clock }).start()
  onTestFinished(async () => {
    await home.stop()
    await home.engine.close()
    await rm(directory, { recursive: true })
  })
  await home.topic('t')
  for (const memberId of MEMBERS) await home.join(memberId, { assignment: 'shared' })
  return home
}

test('what was handed out stays what it was while the next polls read', async () => {
  const home = await houseOnFiles()
  const priorityOf = (i: number): Priority => (i % 5) as Priority
  const records = Array.from({ length: RECORDS }, (_, i) => ({
    value: `${i}`,
    priority: priorityOf(i),
  }))
  await home.publishRecords('t', 0, records)
  const poll = async (memberId: string) => {
    const asked = { group: 'g', memberId, maxMessages: PER_POLL, maxBytes: 1_000_000, waitMs: 0 }
    const polled = await home.delivery.poll({ ...asked, autoCommit: false })
    if (polled.rebalance) throw new Error('a rebalance')
    return polled.value.parts
  }
  const parts: Awaited<ReturnType<typeof poll>>[number][] = []
  for (let round = 0; round < RECORDS / PER_POLL; round += 1) {
    parts.push(...(await Promise.all(MEMBERS.map(poll))).flat())
  }
  const seen = new Set<number>()
  for (const { bytes, lane } of parts) {
    for (const { offset, value, priority } of decodeRecords(bytes)) {
      expect([`${value}`, priority]).toEqual([`${offset}`, lane])
      seen.add(offset)
    }
  }
  expect(seen.size).toBe(RECORDS)
})
