import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { nodeFileSystem } from '../../../src/io/index.ts'
import {
  type InspectLine,
  inspect,
  type ProblemLine,
  type RepairedLine,
  repair,
} from '../../../src/log/index.ts'
import { batchOf } from '../../../src/record/index.ts'
import {
  openTestEngine,
  quietPlatform,
  readAll,
  temporaryDirectory,
  values,
} from '../../unit/log/support.ts'

async function inspected(path: string): Promise<InspectLine[]> {
  const lines: InspectLine[] = []
  for await (const line of inspect(nodeFileSystem, path)) lines.push(line)
  return lines
}

const problemsOf = (lines: readonly (InspectLine | RepairedLine)[]): ProblemLine[] =>
  lines.filter((line) => line.kind === 'problem')

async function repaired(path: string): Promise<(RepairedLine | ProblemLine)[]> {
  const lines: (RepairedLine | ProblemLine)[] = []
  const setup = { fileSystem: nodeFileSystem, platform: quietPlatform(), path }
  for await (const line of repair(setup)) lines.push(line)
  return lines
}

/** Three segments of 20 records each, closed in order. */
async function writeLog() {
  const directory = temporaryDirectory()
  const engine = await openTestEngine({ directory })
  const log = await engine.open('topics/t~1/0', { segmentBytes: 20_000 })
  for (let i = 0; i < 30; i += 1) {
    await log.append(values('x'.repeat(960), 'y'.repeat(960)), 'leader')
  }
  await engine.close()
  const folder = join(directory, 'topics/t~1/0')
  const file = (name: string): string => join(folder, name)
  return { directory, folder, file }
}

const FIRST = '00000000000000000000'
const SECOND = '00000000000000000020'

function flip(file: string, at: number): void {
  const bytes = readFileSync(file)
  bytes[at] = (bytes[at] as number) ^ 4
  writeFileSync(file, bytes)
}

describe('inspection', () => {
  test('shows records with all their parts', async () => {
    const directory = temporaryDirectory()
    const engine = await openTestEngine({ directory })
    const log = await engine.open('a', { segmentBytes: 20_000 })
    const batch = batchOf(
      { key: 'k', value: 'v', priority: 1, extension: { headers: { h: '1' } } },
      { key: Buffer.from([255]), value: null, control: true },
    )
    await log.append(batch, 'all')
    const lines = await inspected(join(directory, 'a'))
    const file = join(directory, `a/${FIRST}.log`)
    const timestamp = '2026-01-01T00:00:00.000Z'
    expect(lines).toEqual([
      { kind: 'segment', file, baseOffset: 0, sizeBytes: 85 },
      {
        ...{ kind: 'record', file, position: 0, sizeBytes: 52, offset: 0, timestamp },
        ...{ priority: 'high', key: 'k', value: 'v', headers: { h: '1' }, more: true },
      },
      {
        ...{ kind: 'record', file, position: 52, sizeBytes: 33, offset: 1, timestamp },
        ...{ priority: 'normal', key: '/w==', value: null, encoding: 'base64', control: true },
      },
      { kind: 'summary', segments: 1, records: 2, indexEntries: 0, problems: 0 },
    ])
  })

  test('finds nothing wrong in a log that is right, wherever it is begun', async () => {
    const { directory, folder, file } = await writeLog()
    const summary = { kind: 'summary', records: 60, segments: 3, indexEntries: 12, problems: 0 }
    expect((await inspected(directory)).at(-1)).toEqual(summary)
    expect((await inspected(folder)).at(-1)).toEqual(summary)
    for (const kind of ['log', 'index', 'timeindex']) {
      const one = await inspected(file(`${SECOND}.${kind}`))
      expect(one.at(-1)).toMatchObject({ segments: 1, records: 20, problems: 0 })
    }
  })

  test('refuses what is no segment and holds none', async () => {
    const { directory } = await writeLog()
    const invalid = { code: 'INVALID_REQUEST' }
    await expect(inspected(join(directory, 'LOCK'))).rejects.toMatchObject(invalid)
    await expect(inspected(join(directory, 'missing'))).rejects.toMatchObject({
      code: 'STORAGE_ERROR',
    })
  })

  test('names a wrong checksum and goes on behind it', async () => {
    const { file, folder } = await writeLog()
    flip(file(`${FIRST}.log`), 992 + 500)
    const lines = await inspected(folder)
    expect(problemsOf(lines)).toEqual([
      {
        kind: 'problem',
        file: file(`${FIRST}.log`),
        position: 992,
        reason: 'checksum does not match',
        repairable: false,
      },
    ])
    expect(lines.at(-1)).toMatchObject({ records: 60 })
  })

  test('names a gap in the offsets between segments', async () => {
    const { file, folder } = await writeLog()
    for (const kind of ['log', 'index', 'timeindex']) rmSync(file(`${SECOND}.${kind}`))
    expect(problemsOf(await inspected(folder))).toMatchObject([
      { reason: 'ends before offset 20, the next segment begins at 40' },
    ])
  })

  test('names a batch without its end, and a torn record', async () => {
    const { file, folder } = await writeLog()
    const last = file('00000000000000000040.log')
    truncateSync(last, 19 * 992)
    expect(problemsOf(await inspected(folder))).toMatchObject([
      { file: last, position: 18 * 992, reason: 'batch without its last record' },
    ])
    truncateSync(last, 19 * 992 - 1)
    expect(problemsOf(await inspected(folder))).toMatchObject([
      { file: last, position: 18 * 992, reason: 'torn record' },
    ])
    truncateSync(last, 18 * 992 + 10)
    expect(problemsOf(await inspected(folder))).toMatchObject([
      { file: last, position: 18 * 992, reason: 'torn record header' },
    ])
  })

  test('names index entries that are damaged, point nowhere or are missing', async () => {
    const { file, folder } = await writeLog()
    const index = file(`${FIRST}.index`)
    const bytes = readFileSync(index)
    const expectProblem = async (content: Buffer, problem: object): Promise<void> => {
      writeFileSync(index, content)
      expect(problemsOf(await inspected(folder))).toMatchObject([{ repairable: true, ...problem }])
    }
    const damaged = Buffer.from(bytes)
    damaged[5] = 9
    await expectProblem(damaged, { position: 0, reason: 'index entry with a wrong checksum' })
    await expectProblem(bytes.subarray(0, 32), { position: 32, reason: '2 entries where 3 belong' })
    await expectProblem(Buffer.concat([bytes, Buffer.from('torn')]), { reason: 'torn index entry' })
    const again = Buffer.concat([bytes, bytes.subarray(0, 16)])
    await expectProblem(again, { position: 48, reason: 'index entry out of order' })
    const elsewhere = readFileSync(file(`${SECOND}.index`)).subarray(32)
    const stray = Buffer.concat([bytes.subarray(0, 32), elsewhere])
    await expectProblem(stray, {
      position: 32,
      reason: 'index entry that points at no such record',
    })
  })
})

describe('repair', () => {
  test('makes indexes again and says which were wrong', async () => {
    const { directory, file, folder } = await writeLog()
    const before = readdirSync(folder).map((name) => readFileSync(file(name)))
    rmSync(file(`${FIRST}.index`))
    flip(file(`${SECOND}.timeindex`), 0)
    expect(problemsOf(await inspected(directory))).toHaveLength(2)
    expect(await repaired(directory)).toMatchObject([
      { kind: 'repaired', file: file(`${FIRST}.log`), changed: true },
      { kind: 'repaired', file: file(`${SECOND}.log`), changed: true },
      { kind: 'repaired', changed: false },
    ])
    expect(problemsOf(await inspected(directory))).toEqual([])
    expect(readdirSync(folder).map((name) => readFileSync(file(name)))).toEqual(before)
  })

  test('names records that are not whole and leaves them as they are', async () => {
    const { directory, file } = await writeLog()
    const log = file(`${SECOND}.log`)
    flip(log, 5 * 992 + 2)
    const before = readFileSync(log)
    expect(problemsOf(await repaired(directory))).toMatchObject([
      {
        file: log,
        position: 5 * 992,
        reason: expect.stringContaining('version'),
        repairable: false,
      },
    ])
    expect(readFileSync(log)).toEqual(before)
  })

  test('is refused while the directory is in use, also for a part of it', async () => {
    const { directory, folder, file } = await writeLog()
    const engine = await openTestEngine({ directory })
    for (const path of [directory, folder, file(`${FIRST}.log`)]) {
      await expect(repaired(path)).rejects.toMatchObject({ code: 'DATA_DIR_LOCKED' })
    }
    await engine.close()
    await repaired(folder)
    const again = await openTestEngine({ directory })
    expect(await readAll(await again.open('topics/t~1/0', { segmentBytes: 1000 }))).toHaveLength(60)
  })
})
