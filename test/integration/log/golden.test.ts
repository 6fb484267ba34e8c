/**
 * The format, byte by byte: the files under test/fixtures/segments were written once by each version and must be
 * readable for ever. A change that alters what is written today fails here too, and needs a new version.
 */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { nodeFileSystem } from '../../../src/io/index.ts'
import { type InspectLine, inspect, type LogEngine } from '../../../src/log/index.ts'
import { batchOf, type RecordInput } from '../../../src/record/index.ts'
import type { FakeClock } from '../../support/fakeClock.ts'
import {
  laneOfEach,
  openTestEngine,
  readAll,
  temporaryDirectory,
  testPlatform,
} from '../../unit/log/support.ts'

const fixtures = (version: number): string =>
  fileURLToPath(new URL(`../../fixtures/segments/v${version}`, import.meta.url))
const PATH = 'topics/golden~1/0'
const OPTIONS = { segmentBytes: 12_000 }

/** The batches of the golden log: every kind of record, three segments, some index entries. */
function batches(): RecordInput[][] {
  const plain = (from: number): RecordInput[] =>
    Array.from({ length: 8 }, (_, i) => ({
      key: `key-${(from + i) % 3}`,
      value: `${from + i}:${'abcdefghij'.repeat(30)}`,
    }))
  return [
    [{ value: 'without a key' }],
    [
      { key: 'k', value: null },
      { key: 'ключ', value: 'значение', priority: 0 },
      { key: Buffer.from([0, 255, 128]), value: Buffer.from([1, 0, 254]), priority: 4 },
    ],
    [{ value: '', extension: { headers: { 'content-type': 'text/plain', trace: '0-1' } } }],
    [
      {
        key: 'all',
        value: 'of it',
        priority: 1,
        control: true,
        extension: {
          headers: { h: '' },
          producer: { producerId: 7_000_000_000, epoch: 3, sequence: 4_000_000_000 },
          origin: { partition: 2, offset: 2 ** 40, dueMs: 1_767_225_600_123 },
        },
      },
    ],
    ...Array.from({ length: 12 }, (_, i) => plain(8 * i)),
  ]
}

/** What a record must come back as, but for its offset. */
const partsOf = (input: RecordInput, timestampMs: number) => ({
  timestampMs,
  priority: input.priority ?? 2,
  key: input.key === undefined ? undefined : Buffer.from(input.key),
  value: input.value === null ? null : Buffer.from(input.value),
  extension: input.extension,
  control: input.control ?? false,
})

async function writeGolden(engine: LogEngine, clock: FakeClock): Promise<void> {
  const log = await engine.open(PATH, OPTIONS)
  for (const batch of batches()) {
    await log.append(batchOf(...batch), 'all')
    clock.advance(17)
  }
}

/** Every file below a directory of segments, by name. */
const filesIn = (directory: string): Map<string, Buffer> =>
  new Map(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name))]))

describe('the format', () => {
  test('is written today as it was written first', async () => {
    const directory = temporaryDirectory()
    const { platform, clock } = testPlatform()
    const engine = await openTestEngine({ directory, platform })
    await writeGolden(engine, clock)
    await engine.close()
    const written = filesIn(join(directory, PATH))
    const golden = filesIn(fixtures(2))
    expect([...written.keys()]).toEqual([...golden.keys()])
    for (const [name, bytes] of golden) {
      expect(written.get(name)?.toString('hex'), name).toBe(bytes.toString('hex'))
    }
    expect(readFileSync(join(directory, 'FORMAT'), 'utf8')).toBe('{"format":2}\n')
    expect(readFileSync(join(directory, 'CLEAN'), 'utf8')).toBe(`{"logs":["${PATH}"]}\n`)
  })

  test.each([1, 2])('version %d is read back part by part', async (version) => {
    const directory = temporaryDirectory()
    cpSync(fixtures(version), join(directory, PATH), { recursive: true })
    const { platform, clock, lines } = testPlatform()
    const engine = await openTestEngine({ directory, platform, options: { verify: 'all' } })
    const log = await engine.open(PATH, OPTIONS)
    const records = await readAll(log)
    const inputs = batches()
    expect(await laneOfEach(log)).toEqual(inputs.flat().map((input) => input.priority ?? 2))
    // The indexes of version 1 knew no lanes; those of sealed segments with entries are replaced.
    const made = version === 1 ? ['warn index rebuilt', 'warn index rebuilt'] : []
    expect(lines.map((line) => `${line.level} ${line.message}`)).toEqual(made)
    expect(records).toHaveLength(inputs.flat().length)
    const wanted = inputs.flatMap((batch, i) =>
      batch.map((input) => partsOf(input, clock.nowMs() + 17 * i)),
    )
    expect(records).toEqual(wanted.map((parts, offset) => ({ ...parts, offset })))
  })

  test('version 1 has lanes, though its indexes know of none, also without a full check', async () => {
    const directory = temporaryDirectory()
    cpSync(fixtures(1), join(directory, PATH), { recursive: true })
    writeFileSync(join(directory, 'FORMAT'), '{"format":1}\n')
    const wanted = batches().flatMap((batch) => batch.map((input) => input.priority ?? 2))
    for (const clean of [`{"logs":["${PATH}"]}\n`, undefined]) {
      if (clean !== undefined) writeFileSync(join(directory, 'CLEAN'), clean)
      const engine = await openTestEngine({ directory })
      const log = await engine.open(PATH, OPTIONS)
      expect(log.lanes.isPlain(0)).toBe(false)
      expect(await laneOfEach(log)).toEqual(wanted)
      expect(log.lanes.isPlain(100)).toBe(true)
      await engine.close()
      rmSync(join(directory, 'CLEAN'))
    }
    expect(readFileSync(join(directory, 'FORMAT'), 'utf8')).toBe('{"format":2}\n')
  })

  test.each([1, 2])(
    'version %d passes the inspection, which tells of every record and index entry',
    async (version) => {
      const found: InspectLine[] = []
      for await (const line of inspect(nodeFileSystem, fixtures(version))) found.push(line)
      expect(found.at(-1)).toEqual({
        kind: 'summary',
        segments: 3,
        records: 102,
        // Version 2 has six runs of lanes beside them.
        indexEntries: version === 1 ? 12 : 18,
        problems: 0,
      })
    },
  )
})
