import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/kernel/systemClock.ts'
import type { LogOptions, PartitionLog } from '../../../src/log/index.ts'
import { recordLength } from '../../../src/record/index.ts'
import {
  crashCopy,
  openTestEngine,
  readAll,
  temporaryDirectory,
  testPlatform,
  textsOf,
  unsyncedFileSystem,
  values,
} from '../../unit/log/support.ts'

const FIRST = '00000000000000000000'
const LOG = `logs/0/${FIRST}.log`
const SEGMENT: LogOptions = { segmentBytes: 1 << 20 }

/** Batches of one to three records; the values say which. */
const BATCHES = [
  ['a0'],
  ['b0', 'b1', 'b2'],
  ['c0', 'c-longer-than-the-others'],
  ['d0'],
  ['e0', 'e1'],
]

interface Written {
  readonly bytes: Buffer
  /** Where each batch ends in the file. */
  readonly ends: readonly number[]
}

/** A segment without any index entry, as a killed process leaves it. */
async function writeSegment(): Promise<Written> {
  const directory = temporaryDirectory()
  const engine = await openTestEngine({ directory })
  const log = await engine.open('logs/0', SEGMENT)
  const ends: number[] = []
  for (const batch of BATCHES) {
    await log.append(values(...batch), 'all')
    ends.push(log.stats().sizeBytes)
  }
  return { bytes: readFileSync(join(directory, LOG)), ends }
}

/** Opens logs one after the other that each hold `bytes` as a crash left them. */
async function crashedLogs() {
  const directory = temporaryDirectory()
  const { platform, lines } = testPlatform()
  const engine = await openTestEngine({ directory, platform, fileSystem: unsyncedFileSystem })
  let count = 0
  return async (bytes: Uint8Array) => {
    lines.length = 0
    const path = `logs/${count}`
    count += 1
    const folder = join(directory, path)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, `${FIRST}.log`), bytes)
    const log = await engine.open(path, SEGMENT)
    const torn = readdirSync(folder).filter((name) => name.endsWith('.torn'))
    return { folder, log, torn, messages: lines.map((line) => line.message) }
  }
}

describe('recovery of the active segment', () => {
  test('keeps exactly the whole batches, wherever the file was cut, and the rest as .torn', async () => {
    const { bytes, ends } = await writeSegment()
    const crashed = await crashedLogs()
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const whole = ends.filter((end) => end <= cut).length
      const { folder, log, torn } = await crashed(bytes.subarray(0, cut))
      expect(textsOf(await readAll(log)), `cut at ${cut}`).toEqual(BATCHES.slice(0, whole).flat())
      const validBytes = ends[whole - 1] ?? 0
      expect(log.stats().sizeBytes).toBe(validBytes)
      expect(torn).toEqual(cut === validBytes ? [] : [`${FIRST}.log.${validBytes}.torn`])
      for (const name of torn) {
        expect(readFileSync(join(folder, name)).equals(bytes.subarray(validBytes, cut))).toBe(true)
      }
      await log.close()
    }
  })

  test('keeps the batches before a flipped byte, wherever it is', async () => {
    const { bytes, ends } = await writeSegment()
    const crashed = await crashedLogs()
    for (let at = 0; at < bytes.length; at += 1) {
      const flipped = Buffer.from(bytes)
      flipped[at] = (flipped[at] as number) ^ 0x40
      const whole = ends.filter((end) => end <= at).length
      const { log, torn, messages } = await crashed(flipped)
      expect(textsOf(await readAll(log)), `byte ${at}`).toEqual(BATCHES.slice(0, whole).flat())
      expect(torn).toHaveLength(1)
      expect(messages).toEqual(['torn tail cut off'])
      await log.close()
    }
  })

  test('goes on behind the cut, in order and without a gap', async () => {
    const { bytes } = await writeSegment()
    const crashed = await crashedLogs()
    const { folder, log } = await crashed(bytes.subarray(0, bytes.length - 1))
    const { baseOffset } = await log.append(values('after'), 'all')
    expect(baseOffset).toBe(BATCHES.slice(0, -1).flat().length)
    const again = await crashed(readFileSync(join(folder, `${FIRST}.log`)))
    expect(textsOf(await readAll(again.log)).at(-1)).toBe('after')
    expect(again.torn).toEqual([])
  })

  test('takes zeros behind the end, as a file system may leave them, for a torn tail', async () => {
    const { bytes } = await writeSegment()
    const crashed = await crashedLogs()
    const { log, torn } = await crashed(Buffer.concat([bytes, Buffer.alloc(5000)]))
    expect(textsOf(await readAll(log))).toEqual(BATCHES.flat())
    expect(torn).toHaveLength(1)
  })
})

/** A log of several segments with indexes, closed in order or not. Fifty records of 1,000 bytes a segment. */
async function writeLog(clean: boolean, records = 120) {
  const directory = temporaryDirectory()
  const { platform, clock } = testPlatform()
  const engine = await openTestEngine({ directory, platform })
  const log = await engine.open('logs/0', { segmentBytes: 50_000 })
  for (let i = 0; i < records; i += 2) {
    await log.append(values(`${i}-${'x'.repeat(960)}`, `${i + 1}-${'y'.repeat(960)}`), 'all')
    clock.advance(1)
  }
  await flushed(log, clock, directory)
  if (!clean) return crashCopy(directory)
  await engine.close()
  return directory
}

/** Waits until the index of the active segment is written. */
async function flushed(
  log: PartitionLog,
  clock: ReturnType<typeof testPlatform>['clock'],
  directory: string,
): Promise<void> {
  await log.sync()
  clock.advance(1000)
  const newest = readdirSync(join(directory, 'logs/0')).findLast((name) => name.endsWith('.log'))
  const index = join(directory, 'logs/0', `${newest?.slice(0, 20)}.index`)
  const deadlineMs = systemClock.monotonicMs() + 5000
  while (!existsSync(index) || readFileSync(index).length === 0) {
    if (systemClock.monotonicMs() > deadlineMs) throw new Error(`${index} is not written`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const filesOf = (directory: string, suffix: string): string[] =>
  readdirSync(join(directory, 'logs/0'))
    .filter((name) => name.endsWith(suffix))
    .map((name) => join(directory, 'logs/0', name))

/** Turns one bit of a file. */
function flip(file: string, at: number): void {
  const bytes = readFileSync(file)
  bytes[at] = (bytes[at] as number) ^ 1
  writeFileSync(file, bytes)
}

/** Opens the log in a directory, and says what was logged meanwhile. */
async function open(directory: string, verify: 'tail' | 'all' = 'tail') {
  const { platform, lines } = testPlatform()
  const engine = await openTestEngine({ directory, platform, options: { verify } })
  const log = await engine.open('logs/0', { segmentBytes: 50_000 })
  return { engine, log, messages: lines.map((line) => line.message) }
}

describe('recovery of a whole log', () => {
  test('finds everything after a crash and rebuilds nothing that is right', async () => {
    const { log, messages } = await open(await writeLog(false))
    expect(await readAll(log)).toHaveLength(120)
    expect(messages).toEqual([])
    expect(log.offsets().durable).toBeLessThanOrEqual(120)
    await log.sync()
    expect(log.offsets().durable).toBe(120)
  })

  test('refuses a bad byte below the recovery point, naming file and position', async () => {
    const directory = await writeLog(false)
    const active = filesOf(directory, '.log').at(-1) ?? ''
    const second = recordLength(readFileSync(active), 0)
    flip(active, second + 40)
    await expect(open(directory, 'all')).rejects.toMatchObject({
      code: 'LOG_CORRUPT',
      message: expect.stringContaining(`${active} at ${second}: checksum`),
    })
    expect(filesOf(directory, '.torn')).toEqual([])
  })

  test('refuses an active segment that ends before its recovery point', async () => {
    const directory = await writeLog(false)
    const active = filesOf(directory, '.log').at(-1) ?? ''
    truncateSync(active, 6000)
    await expect(open(directory)).rejects.toMatchObject({
      code: 'LOG_CORRUPT',
      message: expect.stringContaining(active),
    })
  })

  test('refuses a bad tail after a clean stop: it cannot be torn', async () => {
    const directory = await writeLog(true)
    const active = filesOf(directory, '.log').at(-1) ?? ''
    flip(active, readFileSync(active).length - 1)
    await expect(open(directory)).rejects.toMatchObject({ code: 'LOG_CORRUPT' })
    await expect(open(await writeLog(true))).resolves.toBeDefined()
  })

  test('finds every flipped byte of a sealed segment when all is verified', async () => {
    const directory = temporaryDirectory()
    const fileSystem = unsyncedFileSystem
    const options = { verify: 'all' } as const
    const engine = await openTestEngine({ directory, fileSystem, options })
    const log = await engine.open('whole', { segmentBytes: 150 })
    for (const batch of [['a', 'b'], ['c'], ['d', 'e']]) await log.append(values(...batch), 'all')
    await log.close()
    const sealed = readFileSync(join(directory, `whole/${FIRST}.log`))
    const length = recordLength(sealed, 0)
    for (let at = 0; at < sealed.length; at += 1) {
      const folder = join(directory, `flipped-${at}`)
      cpSync(join(directory, 'whole'), folder, { recursive: true })
      const file = join(folder, `${FIRST}.log`)
      flip(file, at)
      await expect(engine.open(`flipped-${at}`, SEGMENT), `byte ${at}`).rejects.toMatchObject({
        code: 'LOG_CORRUPT',
        message: expect.stringContaining(`${file} at ${at - (at % length)}: `),
      })
    }
  })

  test('refuses a sealed segment whose end is damaged after a crash', async () => {
    const directory = await writeLog(false)
    const sealed = filesOf(directory, '.log')[0] ?? ''
    flip(sealed, readFileSync(sealed).length - 1)
    await expect(open(directory)).rejects.toMatchObject({
      code: 'LOG_CORRUPT',
      message: expect.stringContaining(sealed),
    })
  })

  test('refuses a log with a segment missing in the middle', async () => {
    const directory = await writeLog(false)
    const [, second] = filesOf(directory, '.log')
    for (const suffix of ['.log', '.index', '.timeindex']) {
      rmSync((second ?? '').replace(/\.log$/, suffix))
    }
    await expect(open(directory)).rejects.toMatchObject({
      code: 'LOG_CORRUPT',
      message: expect.stringMatching(/ends before offset 50, the next segment begins at 100/),
    })
  })

  test('leaves the other logs alone', async () => {
    const directory = await writeLog(false)
    flip(filesOf(directory, '.log')[0] ?? '', 50_000 - 500)
    const engine = await openTestEngine({ directory })
    await expect(engine.open('logs/0', SEGMENT)).rejects.toMatchObject({ code: 'LOG_CORRUPT' })
    const other = await engine.open('logs/1', SEGMENT)
    expect((await other.append(values('a'), 'all')).baseOffset).toBe(0)
  })
})

describe('indexes', () => {
  const damages: Record<string, (file: string) => void> = {
    missing: (file) => rmSync(file),
    empty: (file) => truncateSync(file, 0),
    'torn in the middle of an entry': (file) => truncateSync(file, 24),
    'damaged in their first entry': (file) => flip(file, 3),
    'damaged in their last entry': (file) => flip(file, readFileSync(file).length - 9),
    'filled with zeros at the end': (file) =>
      writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.alloc(160)])),
    'full of nonsense': (file) => writeFileSync(file, Buffer.alloc(177, 0xa5)),
  }

  for (const [how, damage] of Object.entries(damages)) {
    for (const clean of [true, false]) {
      test(`that are ${how} are made again after a ${clean ? 'clean stop' : 'crash'}`, async () => {
        const directory = await writeLog(clean)
        const indexes = [...filesOf(directory, '.index'), ...filesOf(directory, '.timeindex')]
        const before = indexes.map((file) => readFileSync(file))
        for (const file of indexes) damage(file)
        const { engine, log } = await open(directory)
        const records = await readAll(log, { maxBytes: 1, maxRecords: 1 })
        expect(records).toHaveLength(120)
        for (const { timestampMs, offset } of records) {
          expect((await log.offsetAtTime(timestampMs))?.offset).toBe(offset - (offset % 2))
        }
        await log.append(values('more'), 'all')
        await engine.close()
        for (const [i, file] of indexes.entries()) {
          const wanted = before[i] ?? Buffer.alloc(0)
          expect(readFileSync(file).subarray(0, wanted.length).equals(wanted), file).toBe(true)
        }
      })
    }
  }

  test('of another segment are not believed', async () => {
    const directory = await writeLog(true)
    const [first, second] = filesOf(directory, '.index')
    writeFileSync(first ?? '', readFileSync(second ?? ''))
    const { log } = await open(directory)
    expect(await readAll(log, { maxBytes: 1, maxRecords: 1 })).toHaveLength(120)
  })

  test('that point at no record are made again when they are used', async () => {
    const directory = await writeLog(true)
    const [first] = filesOf(directory, '.index')
    const bytes = readFileSync(first ?? '')
    writeFileSync(first ?? '', bytes.subarray(0, 32))
    const { log, messages } = await open(directory)
    expect(messages).toEqual([])
    expect((await readAll(log))[49]?.offset).toBe(49)
  })

  test('without their log are removed', async () => {
    const directory = await writeLog(true)
    const orphan = join(directory, 'logs/0/00000000000000000777.index')
    writeFileSync(orphan, 'x')
    writeFileSync(`${orphan}.tmp`, 'x')
    const { log } = await open(directory)
    expect(await readAll(log)).toHaveLength(120)
    expect(existsSync(orphan) || existsSync(`${orphan}.tmp`)).toBe(false)
  })
})

describe('an empty last segment', () => {
  test('that the one before goes on behind is the leaving of a seal that was taken back', async () => {
    const directory = await writeLog(false)
    const leaving = join(directory, 'logs/0/00000000000000000110.log')
    writeFileSync(leaving, '')
    const { engine, log, messages } = await open(directory)
    expect(textsOf(await readAll(log))).toHaveLength(120)
    expect(existsSync(leaving)).toBe(false)
    expect(messages).toEqual([])
    expect((await log.append(values('more'), 'all')).baseOffset).toBe(120)
    await engine.close()
  })

  test('that begins where the one before ends is the active one', async () => {
    const directory = await writeLog(false)
    const active = join(directory, 'logs/0/00000000000000000120.log')
    writeFileSync(active, '')
    const { log } = await open(directory)
    expect((await log.append(values('more'), 'all')).baseOffset).toBe(120)
    expect(readFileSync(active).length).toBe(36)
    expect(textsOf(await readAll(log))).toHaveLength(121)
  })

  test('that begins behind the end of the one before shows that records are gone', async () => {
    const directory = await writeLog(false)
    writeFileSync(join(directory, 'logs/0/00000000000000000130.log'), '')
    await expect(open(directory)).rejects.toMatchObject({
      code: 'LOG_CORRUPT',
      message: expect.stringContaining('ends before offset 120, the next segment begins at 130'),
    })
  })
})
