/** What the tests of the log have in common: directories, platforms, records. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type FileHandle, type FileSystem, nodeFileSystem } from '../../../src/io/index.ts'
import { type LogFields, type Platform, silentLogger } from '../../../src/kernel/platform.ts'
import { offset } from '../../../src/kernel/units.ts'
import {
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
