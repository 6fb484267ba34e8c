import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type FileSystem, nodeFileSystem } from '../../../src/io/index.ts'
import { offset } from '../../../src/kernel/units.ts'
import { type InspectLine, inspect, type PartitionLog, repair } from '../../../src/log/index.ts'
import { baseSeed, SeededRandom } from '../../support/random.ts'
import {
  crashCopy,
  fileSystemWith,
  handleWith,
  laneOfEach,
  ofLanes,
  openTestEngine,
  quietPlatform,
  readAll,
  runsOfLane,
  temporaryDirectory,
  testPlatform,
  values,
} from '../../unit/log/support.ts'

const PATH = 'topics/t~1/0'
const FIRST = '00000000000000000000'

/** Lanes in long and short stretches; the first `plain` records are normal. */
function someLanes(count: number, plain: number): number[] {
  const random = new SeededRandom(baseSeed())
  let lane = 2
  return Array.from({ length: count }, (_, i) => {
    if (i >= plain && random.chance(0.3)) lane = random.int(5)
    return lane
  })
}

/** Three segments of 100 records each, the first one plain; what `after` does comes before the end. */
async function written(after: (directory: string) => string | Promise<string>) {
  const lanes = someLanes(300, 120)
  const directory = temporaryDirectory()
  const engine = await openTestEngine({ directory })
  const log = await engine.open(PATH, { segmentBytes: 20_000 })
  for (let i = 0; i < lanes.length; i += 10) {
    await log.append(ofLanes(lanes.slice(i, i + 10), 168), 'all')
  }
  const copy = await after(directory)
  await engine.close()
  return { lanes, directory: copy, folder: join(copy, PATH) }
}

const stopped = () => written((directory) => directory)
const crashed = () => written(crashCopy)

async function reopened(directory: string, indexCacheBytes = 1 << 20) {
  const { platform, lines } = testPlatform()
  const engine = await openTestEngine({ directory, platform, options: { indexCacheBytes } })
  const log = await engine.open(PATH, { segmentBytes: 40_000 })
  return { engine, log, lines }
}

async function lanesAfterReopening(directory: string): Promise<number[]> {
  const { engine, log } = await reopened(directory)
  const lanes = await laneOfEach(log)
  await engine.close()
  return lanes
}

const laneFiles = (folder: string): string[] =>
  readdirSync(folder).filter((name) => name.endsWith('.laneindex'))

describe('lane index', () => {
  test('is stored for segments that are not plain, and for those only', async () => {
    const { folder, lanes, directory } = await stopped()
    expect(laneFiles(folder)).toHaveLength(2)
    expect(laneFiles(folder)).not.toContain(`${FIRST}.laneindex`)
    const { log, lines } = await reopened(directory)
    expect(await laneOfEach(log)).toEqual(lanes)
    expect(lines).toEqual([])
  })

  test('of a log that is plain says so without a file, also when it is opened again', async () => {
    const directory = temporaryDirectory()
    const engine = await openTestEngine({ directory })
    const log = await engine.open(PATH, { segmentBytes: 2000 })
    for (let i = 0; i < 100; i += 1) await log.append(values('x'.repeat(100)), 'leader')
    await engine.close()
    expect(laneFiles(join(directory, PATH))).toEqual([])
    for (const copy of [directory, crashCopy(directory)]) {
      const again = await reopened(copy)
      expect(await runsOfLane(again.log.lanes, 4, 0)).toEqual([])
      expect(again.log.lanes.isPlain(0)).toBe(true)
      expect(again.lines).toEqual([])
      await again.engine.close()
    }
  })

  test('is there after a crash, up to the last record', async () => {
    const { directory, lanes } = await crashed()
    expect(await lanesAfterReopening(directory)).toEqual(lanes)
  })

  test.each(['laneindex', 'index', 'timeindex', ''])(
    'is made again where *%s was deleted while the broker was stopped',
    async (kind) => {
      for (const make of [stopped, crashed]) {
        const { directory, folder, lanes } = await make()
        for (const name of readdirSync(folder)) {
          if (name.endsWith(`${kind}index`) || name.endsWith(`.${kind}`)) rmSync(join(folder, name))
        }
        expect(await lanesAfterReopening(directory)).toEqual(lanes)
        // And it was written.
        const { log, lines } = await reopened(directory)
        expect(await laneOfEach(log)).toEqual(lanes)
        expect(lines).toEqual([])
      }
    },
  )

  test('is made again whichever byte of it is another one', async () => {
    const { directory, folder, lanes } = await stopped()
    for (const name of laneFiles(folder)) {
      const file = join(folder, name)
      const right = readFileSync(file)
      for (let at = 0; at < right.length; at += 37) {
        const bytes = Buffer.from(right)
        bytes[at] = (bytes[at] as number) ^ 0x40
        writeFileSync(file, bytes)
        expect(await lanesAfterReopening(directory), `${name}: byte ${at}`).toEqual(lanes)
      }
      for (const length of [0, 1, 64, right.length - 1]) {
        writeFileSync(file, right.subarray(0, length))
        expect(await lanesAfterReopening(directory), `${name}: ${length} bytes`).toEqual(lanes)
      }
    }
  })

  test('is made again where it is that of fewer records', async () => {
    const { directory, folder, lanes } = await stopped()
    const file = join(folder, laneFiles(folder).at(-1) as string)
    const older = readFileSync(file)
    const { engine, log } = await reopened(directory)
    const more = someLanes(40, 0)
    await log.append(ofLanes(more, 200), 'all')
    await engine.close()
    expect(readFileSync(file).subarray(0, older.length)).toEqual(older)
    expect(readFileSync(file).length).toBeGreaterThan(older.length)
    writeFileSync(file, older)
    expect(await lanesAfterReopening(directory)).toEqual([...lanes, ...more])
  })

  test('has every record of sixteen producers once: at once, restarted, without its files', async () => {
    const directory = temporaryDirectory()
    const { engine, log } = await reopened(directory)
    const random = new SeededRandom(baseSeed())
    const produce = async (): Promise<void> => {
      for (let i = 0; i < 15; i += 1) {
        const lanes = Array.from({ length: random.between(1, 12) }, () => random.int(5))
        await log.append(ofLanes(lanes, random.int(200)), random.pick(['leader', 'all'] as const))
      }
    }
    await Promise.all(Array.from({ length: 16 }, produce))
    const wanted = (await readAll(log)).map((record) => record.priority)
    expect(wanted.length).toBeGreaterThan(1000)
    expect(await laneOfEach(log)).toEqual(wanted)
    await engine.close()
    expect(await lanesAfterReopening(directory)).toEqual(wanted)
    const folder = join(directory, PATH)
    for (const name of readdirSync(folder)) {
      if (name.endsWith('index')) rmSync(join(folder, name))
    }
    expect(await lanesAfterReopening(directory)).toEqual(wanted)
  })

  test('of segments that grow is read again where it was forgotten', async () => {
    const directory = temporaryDirectory()
    const engine = await openTestEngine({ directory, options: { indexCacheBytes: 0 } })
    const random = new SeededRandom(baseSeed())
    const options = { segmentBytes: 16 << 20 }
    const logs = await Promise.all(['a', 'b'].map((path) => engine.open(path, options)))
    const wanted: number[][] = [[], []]
    for (let round = 0; round < 8; round += 1) {
      for (const [i, log] of logs.entries()) {
        const lanes = Array.from({ length: 3000 }, () => random.int(5))
        wanted[i]?.push(...lanes)
        await log.append(ofLanes(lanes, 68), 'all')
        // Of the two, the one looked at last is remembered: the other is read from its file.
        expect(await laneOfEach(log, 1000)).toEqual(wanted[i])
      }
    }
    expect(readFileSync(join(directory, 'a', `${FIRST}.laneindex`)).length).toBeGreaterThan(100_000)
  })

  test('goes with its segment', async () => {
    const { directory, folder } = await stopped()
    const { log, engine } = await reopened(directory)
    await log.truncateBefore(offset(250))
    expect(laneFiles(folder)).toHaveLength(1)
    await engine.close()
  })

  test('forgets the records of a write that failed', async () => {
    const full = { now: false }
    const fileSystem: FileSystem = fileSystemWith({
      open: async (path, options) => {
        const handle = await nodeFileSystem.open(path, options)
        return handleWith(handle, {
          write: (bytes, position) => {
            if (!full.now || !path.endsWith('.log')) return handle.write(bytes, position)
            return Promise.reject(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' }))
          },
        })
      },
    })
    const engine = await openTestEngine({ directory: temporaryDirectory(), fileSystem })
    const log = await engine.open(PATH, { segmentBytes: 20_000 })
    await log.append(values('a'), 'leader')
    full.now = true
    await expect(log.append(ofLanes([0, 4]), 'leader')).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(log.lanes.isPlain(0)).toBe(true)
    full.now = false
    await log.append(ofLanes([2, 3, 2]), 'leader')
    expect(await laneOfEach(log)).toEqual([2, 2, 3, 2])
  })
})

describe('one critical record behind a million background ones', () => {
  const MILLION = 1_000_000

  /** Counts what is read of files, by their kind. */
  function countingReads() {
    const bytesRead: Record<string, number> = {}
    const fileSystem: FileSystem = fileSystemWith({
      open: async (path, options) => {
        const handle = await nodeFileSystem.open(path, options)
        const kind = path.slice(path.lastIndexOf('.') + 1)
        return handleWith(handle, {
          read: async (into, position) => {
            const count = await handle.read(into, position)
            bytesRead[kind] = (bytesRead[kind] ?? 0) + count
            return count
          },
        })
      },
    })
    return { bytesRead, fileSystem }
  }

  async function appendMillion(log: PartitionLog): Promise<void> {
    const { bytes, count } = ofLanes(new Array<number>(10_000).fill(4), 1)
    for (let i = 0; i < MILLION; i += count) {
      await log.append({ bytes: Buffer.from(bytes), count }, 'leader')
    }
    await log.append(ofLanes([0]), 'all')
  }

  test('is found at once, after a restart by reading a few pages of the index', async () => {
    const directory = temporaryDirectory()
    const engine = await openTestEngine({ directory })
    const log = await engine.open(PATH, { segmentBytes: 16 << 20 })
    await appendMillion(log)
    expect(log.lanes.next(0, 0, 10)).toEqual([MILLION, MILLION + 1])
    await engine.close()

    const { bytesRead, fileSystem } = countingReads()
    const again = await openTestEngine({ directory, fileSystem })
    const { lanes } = await again.open(PATH, { segmentBytes: 16 << 20 })
    expect(await runsOfLane(lanes, 0, 0, 10)).toEqual([MILLION, MILLION + 1])
    expect(await runsOfLane(lanes, 4, MILLION - 10, 10)).toEqual([MILLION - 10, MILLION])
    expect(bytesRead['laneindex']).toBeLessThan(5 * 4096)
    // The walk behind the last index entry.
    expect(bytesRead['log']).toBeLessThan(3 * 4096)
  })
})

describe('inspection of lanes', () => {
  const inspected = async (path: string): Promise<InspectLine[]> => {
    const lines: InspectLine[] = []
    for await (const line of inspect(nodeFileSystem, path)) lines.push(line)
    return lines
  }
  const problemsOf = (lines: readonly InspectLine[]) =>
    lines.filter((line) => line.kind === 'problem')
  const repaired = async (path: string): Promise<void> => {
    const setup = { fileSystem: nodeFileSystem, platform: quietPlatform(), path }
    for await (const line of repair(setup)) expect(line.kind).toBe('repaired')
  }

  test('shows the runs, which together are all records', async () => {
    const { directory, lanes } = await stopped()
    const lines = await inspected(directory)
    expect(problemsOf(lines)).toEqual([])
    const runs = lines.filter((line) => line.kind === 'laneindex')
    const ofCritical = lanes.filter((lane, i) => lane === 0 && i >= 100).length
    const counted = runs.filter((run) => run.lane === 'critical')
    expect(counted.reduce((sum, run) => sum + run.count, 0)).toBe(ofCritical)
    expect(runs.reduce((sum, run) => sum + run.count, 0)).toBeGreaterThanOrEqual(200)
  })

  test('names lanes that are missing, damaged or of other records; repair mends them', async () => {
    const { directory, folder, lanes } = await stopped()
    const [second, third] = laneFiles(folder).map((name) => join(folder, name)) as [string, string]
    const right = readFileSync(second)
    const expectProblem = async (reason: string): Promise<void> => {
      expect(problemsOf(await inspected(directory))).toMatchObject([{ reason, repairable: true }])
      await repaired(directory)
      expect(problemsOf(await inspected(directory))).toEqual([])
      expect(readFileSync(second).subarray(0, 8)).not.toEqual(Buffer.alloc(8))
    }
    rmSync(second)
    const base = Number(second.slice(-30, -10))
    const next = Number(third.slice(-30, -10))
    await expectProblem(`lanes up to ${base} where ${next} belongs`)
    const damaged = Buffer.from(right)
    damaged[100] = (damaged[100] as number) ^ 1
    writeFileSync(second, damaged)
    await expectProblem('damaged block of lanes')
    expect(await lanesAfterReopening(directory)).toEqual(lanes)
  })
})
