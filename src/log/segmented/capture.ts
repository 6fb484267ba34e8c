/**
 * What all files of an engine held at one moment.
 *
 *   1  removals are put off, no blob is replaced any more, and those that there are are opened
 *   2  in one step: how far each segment of each log is written         <- the moment
 *   3  blobs may be replaced again
 *   4  segments are read up to where they were; removals go on when the capture is released
 *
 * That is what a crash at that moment would leave, were everything written kept: the next write of a log cannot come
 * before the one of another log that it was a consequence of, and recovery starts from just that. Indexes are left out:
 * they are made again. So are the files of a log that could not be opened, but for its records.
 */
import { join } from 'node:path'
import type { FileHandle, FileSystem } from '../../io/index.ts'
import { TEMPORARY_SUFFIX } from '../../io/index.ts'
import { BrokerError } from '../../kernel/errors.ts'
import { KiB } from '../../kernel/units.ts'
import type { Capture, CapturedFile } from '../port.ts'
import { FORMAT_FILE } from './format.ts'
import type { SegmentedLog } from './log.ts'
import { parseSegmentFileName, segmentFileName } from './names.ts'
import type { Services } from './services.ts'
import { storageError } from './storageError.ts'

const CHUNK_BYTES = 256 * KiB
/** Where blobs lie that are not caches of what the logs hold. */
const BLOB_ROOT = 'state'
const LOG_ROOTS: readonly string[] = ['topics', 'delay', 'state']

/** The logs of an engine, at the time of asking. */
export interface OpenLogs {
  /** By path. */
  readonly open: ReadonlyMap<string, SegmentedLog>
  /** True where one is just being opened. */
  readonly areOpening: boolean
  /** Resolves when those that are being opened now are open, or are not. */
  settled(): Promise<void>
}

export async function capture(services: Services, logs: OpenLogs): Promise<Capture> {
  const { removals, replacements } = services
  const letRemovalsGo = removals.hold()
  try {
    const { fileSystem } = services
    const { root } = services.directories
    const found = await findFiles(fileSystem, root)
    await replacements.stop()
    const blobs = await openBlobs(services, [
      FORMAT_FILE,
      ...(await findFiles(fileSystem, root, BLOB_ROOT)),
    ])
    while (logs.areOpening) await logs.settled()
    const open = new Set(logs.open.keys())
    const segments = [...logs.open].flatMap(([path, log]) => log.written(path))
    replacements.go()
    const others = await sizesOf(services, recordsOfOthers(found, open))
    return new FilesOfAMoment(services, { files: [...segments, ...others], blobs, letRemovalsGo })
  } catch (error) {
    replacements.go()
    await letRemovalsGo()
    throw storageError(error, 'capture')
  }
}

interface Parts {
  readonly files: readonly CapturedFile[]
  readonly blobs: ReadonlyMap<CapturedFile, FileHandle>
  readonly letRemovalsGo: () => Promise<void>
}

class FilesOfAMoment implements Capture {
  readonly files: readonly CapturedFile[]
  readonly #services: Services
  readonly #parts: Parts
  #isReleased = false

  constructor(services: Services, parts: Parts) {
    this.#services = services
    this.#parts = parts
    this.files = [...parts.blobs.keys(), ...parts.files]
  }

  async *read(file: CapturedFile): AsyncGenerator<Buffer> {
    // A log that was never written to has no file yet.
    if (file.sizeBytes === 0) return
    const { fileSystem, directories } = this.#services
    const blob = this.#parts.blobs.get(file)
    const handle = blob ?? (await fileSystem.open(directories.at(file.name), { mode: 'read' }))
    try {
      for (let position = 0; position < file.sizeBytes; ) {
        const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, file.sizeBytes - position))
        const count = await handle.read(chunk, position)
        if (count < chunk.length) throw shrunk(file)
        position += count
        yield chunk
      }
    } finally {
      if (blob === undefined) await handle.close()
    }
  }

  async release(): Promise<void> {
    if (this.#isReleased) return
    this.#isReleased = true
    for (const handle of this.#parts.blobs.values()) await handle.close()
    await this.#parts.letRemovalsGo()
  }
}

const shrunk = ({ name, sizeBytes }: CapturedFile): BrokerError =>
  new BrokerError('STORAGE_ERROR', `${name} is shorter than the ${sizeBytes} bytes it had`)

/** The names of all files below the engine's directory. What vanishes meanwhile is left out. */
async function findFiles(fileSystem: FileSystem, root: string, below = ''): Promise<string[]> {
  const entries = await fileSystem.list(join(root, below)).catch(() => [])
  const names: string[] = []
  for (const { name, isDirectory } of entries) {
    const path = below === '' ? name : `${below}/${name}`
    if (!isDirectory) names.push(path)
    else if (below !== '' || LOG_ROOTS.includes(name)) {
      names.push(...(await findFiles(fileSystem, root, path)))
    }
  }
  return names
}

const directoryOf = (name: string): string => name.slice(0, Math.max(0, name.lastIndexOf('/')))

async function openBlobs(
  { fileSystem, directories }: Services,
  found: readonly string[],
): Promise<ReadonlyMap<CapturedFile, FileHandle>> {
  const names = found.filter((name) => {
    const file = name.slice(directoryOf(name).length + 1)
    if (name.endsWith(TEMPORARY_SUFFIX)) return false
    return parseSegmentFileName(file) === undefined && !file.endsWith('.torn')
  })
  const blobs = new Map<CapturedFile, FileHandle>()
  try {
    for (const name of names) {
      const handle = await fileSystem.open(directories.at(name), { mode: 'read' })
      blobs.set({ name, sizeBytes: await handle.size() }, handle)
    }
    return blobs
  } catch (error) {
    for (const handle of blobs.values()) await handle.close()
    throw error
  }
}

/** Records of logs that would not open: nothing is written there. */
function recordsOfOthers(found: readonly string[], open: ReadonlySet<string>): readonly string[] {
  return found.filter((name) => {
    const directory = directoryOf(name)
    if (open.has(directory)) return false
    return parseSegmentFileName(name.slice(directory.length + 1))?.kind === 'log'
  })
}

async function sizesOf(
  { fileSystem, directories }: Services,
  names: readonly string[],
): Promise<CapturedFile[]> {
  const files: CapturedFile[] = []
  for (const name of names) {
    const handle = await fileSystem.open(directories.at(name), { mode: 'read' })
    try {
      files.push({ name, sizeBytes: await handle.size(), isUnopened: true })
    } finally {
      await handle.close()
    }
  }
  return files
}

/** The segments of one log and how far they are written, the oldest first. */
export const writtenSegments = (
  path: string,
  segments: Iterable<{ readonly baseOffset: number; readonly sizeBytes: number }>,
): CapturedFile[] =>
  [...segments].map(({ baseOffset, sizeBytes }) => ({
    name: `${path}/${segmentFileName(baseOffset, 'log')}`,
    sizeBytes,
  }))
