/** What the tests of the log have in common: directories, platforms, records. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type FileHandle, type FileSystem, nodeFileSystem } from '../../../src/io/index.ts'
import { type LogFields, type Platform, silentLogger } from '../../../src/kernel/platform.ts'
import { PRIORITIES, type Priority } from '../../../src/kernel/priority.ts'
import { offset } from '../../../src/kernel/units.ts'
import {
  type Lanes,
  type LogEngine,
  openSegmentedEngine,
  type PartitionLog,
  type ReadLimit,
  type SegmentedEngineSetup,
} from '../../../src/log/index.ts'
import {
  batchOf,
  type DecodedRecord,
  decodeRecords,
  type RecordBatch,
} from '../../../src/record/index.ts'
import { FakeClock } from '../../support/fakeClock.ts'

/** A directory that goes when the test ends. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'goqueue-log-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Forwards every call; what is given replaces the call of that name. */
export function fileSystemWith(
  overrides: Partial<FileSystem>,
  inner: FileSystem = nodeFileSystem,
): FileSystem {
  return {
    open: (path, options) => inner.open(path, options),
    makeDirectory: (path) => inner.makeDirectory(path),
    list: (path) => inner.list(path),
    rename: (from, to) => inner.rename(from, to),
    remove: (path) => inner.remove(path),
    removeTree: (path) => inner.removeTree(path),
    syncDirectory: (path) => inner.syncDirectory(path),
    exists: (path) => inner.exists(path),
    ...overrides,
  }
}

/** The same for an open file. */
export function handleWith(inner: FileHandle, overrides: Partial<FileHandle>): FileHandle {
  return {
    write: (bytes, position) => inner.write(bytes, position),
    read: (into, position) => inner.read(into, position),
    datasync: () => inner.datasync(),
    truncate: (sizeBytes) => inner.truncate(sizeBytes),
    size: () => inner.size(),
    close: () => inner.close(),
    ...overrides,
  }
}

/** The real disk without waiting for it: for tests that open hundreds of logs and pull no plug. */
export const unsyncedFileSystem: FileSystem = fileSystemWith({
  open: async (path, options) =>
    handleWith(await nodeFileSystem.open(path, options), { datasync: async () => undefined }),
  syncDirectory: async () => undefined,
})

export interface LoggedLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: LogFields
  readonly message: string
}

/** A platform that stands still and keeps what was logged. */
export function testPlatform() {
  const lines: LoggedLine[] = []
  const at = (level: LoggedLine['level']) => (fields: LogFields, message: string) => {
    lines.push({ level, fields, message })
  }
  const logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  const clock = new FakeClock()
  const platform: Platform = { clock, random: () => 0.5, logger }
  return { platform, clock, lines }
}

export const quietPlatform = (): Platform => ({
  clock: new FakeClock(),
  random: () => 0.5,
  logger: silentLogger,
})

/** An engine that is closed when the test ends. */
export async function openTestEngine(
  setup: Partial<SegmentedEngineSetup> & { readonly directory: string },
): Promise<LogEngine> {
  const engine = await openSegmentedEngine({
    fileSystem: nodeFileSystem,
    platform: quietPlatform(),
    ...setup,
  })
  onTestFinished(() => engine.close().catch(() => undefined))
  return engine
}

/** What a killed process leaves behind: a copy of the directory as it is now, without lock and clean mark. */
export function crashCopy(directory: string): string {
  const copy = temporaryDirectory()
  cpSync(directory, copy, { recursive: true })
  rmSync(join(copy, 'LOCK'), { recursive: true, force: true })
  rmSync(join(copy, 'CLEAN'), { force: true })
  return copy
}

/** Records with these values. */
export const values = (...texts: string[]): RecordBatch =>
  batchOf(...texts.map((value) => ({ value })))

export const EVERYTHING: ReadLimit = { maxBytes: 1 << 24, maxRecords: 1_000_000 }

/** All records from `from` on, read step by step; each is where it belongs. */
export async function readAll(
  log: PartitionLog,
  limit: ReadLimit = EVERYTHING,
  from: number = log.offsets().start,
): Promise<DecodedRecord[]> {
  const records: DecodedRecord[] = []
  let at = from
  while (at < log.offsets().next) {
    const { bytes, count, nextOffset } = await log.read(offset(at), limit)
    const found = [...decodeRecords(bytes)]
    const isRun = found.every((record, i) => record.offset === at + i)
    if (!isRun || found.length !== count || nextOffset !== at + count || count === 0) {
      throw new Error(`read from ${at} returned ${found.map((record) => record.offset)}`)
    }
    records.push(...found)
    at = nextOffset
  }
  return records
}

export const textsOf = (records: readonly DecodedRecord[]): string[] =>
  records.map((record) => String(record.value))

/** Records of these priorities, `size` bytes of value each. */
export const ofLanes = (lanes: readonly number[], size = 8): RecordBatch =>
  batchOf(...lanes.map((lane) => ({ value: 'x'.repeat(size), priority: lane as Priority })))

/** All runs of a lane from `from` on, asked for `step` records at a time, loaded where that is asked for. */
export async function runsOfLane(
  lanes: Lanes,
  lane: number,
  from: number,
  step = 1_000_000,
): Promise<number[]> {
  const runs: number[] = []
  for (let at = from; ; ) {
    const found = lanes.next(lane, at, step)
    if (found === undefined) {
      await lanes.load(lane, at)
      if (lanes.next(lane, at, step) === undefined)
        throw new Error(`lane ${lane} from ${at}: not loaded`)
      continue
    }
    if (found.length === 0) return runs
    runs.push(...found)
    at = found.at(-1) as number
  }
}

/** The lane of each record from the log's start on. Throws where a record is in none, or in two. */
export async function laneOfEach(log: PartitionLog, step?: number): Promise<number[]> {
  const { start, next } = log.offsets()
  const found: number[] = new Array<number>(next - start).fill(-1)
  for (const lane of PRIORITIES.keys()) {
    const runs = await runsOfLane(log.lanes, lane, start, step)
    let records = 0
    for (let i = 0; i < runs.length; i += 2) {
      for (let offset = runs[i] as number; offset < (runs[i + 1] as number); offset += 1) {
        if (found[offset - start] !== -1) throw new Error(`${offset} is in two lanes, or beyond`)
        found[offset - start] = lane
        records += 1
      }
    }
    const count = await countLoaded(log.lanes, lane, start)
    if (count !== records) throw new Error(`lane ${lane}: ${count} counted, ${records} found`)
  }
  if (found.includes(-1)) throw new Error(`${start + found.indexOf(-1)} is in no lane`)
  return found
}

/** Records of a lane from `from` on, loaded where that is asked for. */
export async function countLoaded(lanes: Lanes, lane: number, from: number): Promise<number> {
  const count = lanes.count(lane, from)
  if (count !== undefined) return count
  await lanes.load(lane, from)
  const loaded = lanes.count(lane, from)
  if (loaded === undefined) throw new Error(`lane ${lane} from ${from}: not loaded`)
  return loaded
}
