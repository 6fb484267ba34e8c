/** What seeded runs have found once, in the shortest form that shows it. */
import { describe, expect, test } from 'vitest'
import { silentLogger } from '../../src/kernel/platform.ts'
import type { LogEngine, PartitionLog } from '../../src/log/index.ts'
import { batchOf, decodeRecords, HEADER_BYTES } from '../../src/record/index.ts'
import { Topics } from '../../src/topics/index.ts'
import { FakeClock } from '../support/fakeClock.ts'
import { SeededRandom } from '../support/random.ts'
import { SimulatedDisk } from '../support/simulatedDisk.ts'
import { DATA_DIRECTORY, openEngine } from './support/openEngine.ts'
import { turns } from './support/turns.ts'

const FATES = Array.from({ length: 60 }, (_, index) => index)
const PATH = 'topics/orders~1/0'
const SEGMENT_BYTES = 1024
/** What the disk writes at once, and what survives at once. */
const PAGE_BYTES = 4096

interface Machine {
  readonly disk: SimulatedDisk
  readonly clock: FakeClock
  readonly engine: LogEngine
  readonly log: PartitionLog
}

async function boot(disk: SimulatedDisk, segmentBytes = SEGMENT_BYTES): Promise<Machine> {
  const clock = new FakeClock()
  const engine = await openEngine(disk, clock, new SeededRandom(1))
  return { disk, clock, engine, log: await engine.open(PATH, { segmentBytes }) }
}

async function startTopics(disk: SimulatedDisk): Promise<Topics> {
  const clock = new FakeClock()
  const engine = await openEngine(disk, clock, new SeededRandom(1))
  const platform = { clock, random: new SeededRandom(2).next, logger: silentLogger }
  const topics = new Topics({ engine, platform })
  await topics.start()
  return topics
}

const record = (bytes: number) => batchOf({ value: Buffer.alloc(bytes, 120) })

/** A batch that fills one page exactly. */
const page = (byte: number) => batchOf({ value: Buffer.alloc(PAGE_BYTES - HEADER_BYTES, byte) })

/** Where the log ends after a power loss under each fate, of what `work` leaves. */
async function endsAfter(work: (machine: Machine) => Promise<void>): Promise<Set<number>> {
  const ends = new Set<number>()
  for (const fate of FATES) {
    const disk = new SimulatedDisk(fate)
    await work(await boot(disk))
    disk.powerLoss()
    await turns(5)
    const { log } = await boot(disk)
    ends.add(log.offsets().next)
  }
  return ends
}

describe('found once', () => {
  test('a data directory was not sure to be found again, its own name never synced', async () => {
    const ends = await endsAfter(async ({ log }) => {
      await log.append(record(10), 'all')
    })
    expect(ends).toEqual(new Set([1]))
  })

  test('a segment was sealed while the cut of a refused write could still come undone', async () => {
    const ends = await endsAfter(async ({ disk, log }) => {
      await log.append(record(100), 'all')
      disk.capacityBytes = disk.usedBytes + 50
      await expect(log.append(record(200), 'all')).rejects.toMatchObject({ code: 'DISK_FULL' })
      disk.capacityBytes = Number.POSITIVE_INFINITY
      await log.append(record(1000), 'all')
    })
    expect(ends).toEqual(new Set([2]))
  })

  test('a sync that began between such a write and its cut passed for one of the cut', async () => {
    const ends = await endsAfter(async ({ disk, clock, log }) => {
      await log.append(record(100), 'leader')
      disk.capacityBytes = disk.usedBytes + 50
      const writing = disk.hold({ operation: 'write' })
      const refused = log.append(record(200), 'leader')
      await writing.reached
      const syncing = disk.hold({ operation: 'datasync' })
      clock.advance(1000)
      await syncing.reached
      writing.open()
      syncing.open()
      await expect(refused).rejects.toMatchObject({ code: 'DISK_FULL' })
      disk.capacityBytes = Number.POSITIVE_INFINITY
      await log.append(record(1000), 'all')
    })
    expect(ends).toEqual(new Set([2]))
  })

  test('a segment that was begun and taken back stood in the way of the one before it', async () => {
    const ends = await endsAfter(async ({ disk, log }) => {
      await log.append(record(100), 'all')
      disk.fail({ operation: 'truncate', path: /00001\.log$/, code: 'ENOSPC' })
      await expect(log.append(record(1000), 'all')).rejects.toMatchObject({ code: 'DISK_FULL' })
      await log.append(record(100), 'leader')
    })
    expect(ends).toEqual(new Set([1, 2]))
  })

  test('what a failed sync left in memory only was taken for synced after the log was opened again', async () => {
    const ends = await endsAfter(async ({ disk, engine, log }) => {
      await log.append(record(100), 'leader')
      disk.fail({ operation: 'datasync', code: 'EIO' })
      await expect(log.sync()).rejects.toMatchObject({ code: 'LOG_FENCED' })
      await log.close()
      const again = await engine.open(PATH, { segmentBytes: SEGMENT_BYTES })
      await again.append(record(100), 'all')
    })
    expect(ends).toEqual(new Set([2]))
  })

  test('topics were made by events that a second crash could still take, and the broker did not start', async () => {
    for (const fate of FATES) {
      const disk = new SimulatedDisk(fate)
      const first = await startTopics(disk)
      const syncing = disk.hold({ operation: 'datasync', path: /journal/ })
      first.create({ name: 'orders' }).catch(() => undefined)
      await syncing.reached
      disk.processCrash()
      syncing.open()
      const second = await startTopics(disk)
      const names = second.names()
      disk.powerLoss()
      await turns(5)
      const third = await startTopics(disk)
      expect(third.names()).toEqual(names)
    }
  })

  test('a torn tail that was cut off does not come back behind what is written over it', async () => {
    const path = `${DATA_DIRECTORY}/${PATH}/00000000000000000000.log`
    const values = new Set<string>()
    for (const fate of FATES) {
      const disk = new SimulatedDisk(1, fate)
      const first = await boot(disk, 10 * PAGE_BYTES)
      for (const byte of [1, 2, 3]) await first.log.append(page(byte), 'all')
      disk.processCrash()
      const damaged = disk.file(path).bytes()
      damaged.fill(0, PAGE_BYTES, PAGE_BYTES + 600)
      disk.file(path).replace(damaged)
      const second = await boot(disk, 10 * PAGE_BYTES)
      expect(second.log.offsets().next).toBe(1)
      await second.log.append(page(4), 'leader')
      disk.powerLoss()
      await turns(5)
      const { log } = await boot(disk, 10 * PAGE_BYTES)
      const { bytes } = await log.read(log.offsets().start, { maxBytes: 1 << 20, maxRecords: 10 })
      values.add([...decodeRecords(bytes)].map(({ value }) => value?.[0]).join(''))
    }
    expect(values).toEqual(new Set(['1', '14']))
  })

  test('what a crash of the process left in memory is on disk within a second of the next start', async () => {
    const ends = await endsAfter(async ({ disk, log }) => {
      await log.append(record(100), 'leader')
      disk.processCrash()
      const next = await boot(disk)
      next.clock.advance(1000)
      await turns(30)
    })
    expect(ends).toEqual(new Set([1]))
  })
})
