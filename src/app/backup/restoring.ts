/**
 * A data directory from a backup: wholly, or not at all.
 *
 *   1  the directory is empty, and locked
 *   2  everything is written below `.restoring` in it, and synced
 *   3  checksums are compared, every record is read and its indexes are made
 *   4  it is moved to where it belongs, the catalogue last
 *
 * What fails before 4 leaves the directory as it was. After a crash within 4 a broker refuses what is there.
 */
import { dirname, join } from 'node:path'
import { lockDirectory, nodeFileSystem } from '../../io/index.ts'
import { BrokerError } from '../../kernel/errors.ts'
import { EXIT } from '../../kernel/exitCodes.ts'
import { Failure } from '../../kernel/failure.ts'
import { silentLogger } from '../../kernel/platform.ts'
import { systemClock } from '../../kernel/systemClock.ts'
import { FORMAT_VERSION, readFormat, repair } from '../../log/index.ts'
import { readBackup } from './checking.ts'
import type { Manifest } from './manifest.ts'

export interface RestoreOptions {
  readonly backup: AsyncIterable<Uint8Array>
  /** Made where it is missing. */
  readonly directory: string
  /** Told how much of the backup was read, in bytes. */
  readonly onProgress?: (doneBytes: number) => void
}

export interface Restored {
  /** The moment that came back, RFC 3339, and who wrote it down. */
  readonly created: string
  readonly version: string
  readonly files: number
  readonly bytes: number
  /** Files that were damaged when the backup was made, as they were. */
  readonly damaged: readonly string[]
}

const WORK = '.restoring'
/** What may be in a directory that counts as empty: marks of locks, of a restore that broke off, of a file system. */
const NOTHING: readonly string[] = [WORK, 'LOCK', 'lost+found']
/** A directory with topics and no catalogue is refused; one with a catalogue and no topics is not. */
const MOVED_LAST = ['state', 'FORMAT']

/**
 * Rejects with a Failure where the directory is not empty or cannot be written, with CORRUPT_RECORD where the backup is
 * none or is damaged, with LOG_CORRUPT where its records are, with FORMAT_TOO_NEW.
 */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const { directory } = options
  const isNew = !(await nodeFileSystem.exists(directory))
  if (!isNew) await checkEmpty(directory)
  await nodeFileSystem.makeDirectory(directory)
  const lock = await lockDirectory(directory)
  const work = join(directory, WORK)
  let isDone = false
  try {
    await nodeFileSystem.removeTree(work)
    await nodeFileSystem.makeDirectory(work)
    const manifest = await unpack(options, work)
    const damaged = await validate(manifest, work)
    await moveUp(work, directory)
    isDone = true
    const { created, version, files } = manifest
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
    return { created, version, files: files.length, bytes, damaged }
  } finally {
    await nodeFileSystem.removeTree(work)
    await lock.release()
    if (isNew && !isDone) await nodeFileSystem.removeTree(directory)
  }
}

async function checkEmpty(directory: string): Promise<void> {
  const found = (await nodeFileSystem.list(directory)).filter(({ name }) => !NOTHING.includes(name))
  if (found.length === 0) return
  const message = `${directory} is not empty: ${found[0]?.name} is there`
  throw new Failure(EXIT.CANNOT_CREATE, message, {
    hint: 'nothing is ever restored over data: name a new directory with --data-dir',
  })
}

async function unpack({ backup, onProgress }: RestoreOptions, work: string): Promise<Manifest> {
  const writer = new FileWriter(work)
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    let doneBytes = 0
    for await (const chunk of backup) {
      doneBytes += chunk.length
      onProgress?.(doneBytes)
      yield chunk
    }
  }
  const manifest = await readBackup(counted(), writer).finally(() => writer.end())
  await writer.settle()
  return manifest
}

/** Writes one file after the other. */
class FileWriter {
  readonly #work: string
  readonly #directories = new Set<string>()
  #file: Awaited<ReturnType<typeof nodeFileSystem.open>> | undefined
  #position = 0

  constructor(work: string) {
    this.#work = work
  }

  async file(name: string): Promise<void> {
    await this.end()
    const path = join(this.#work, name)
    await this.#make(dirname(path))
    this.#file = await nodeFileSystem.open(path, { mode: 'create' })
    this.#position = 0
  }

  async data(bytes: Buffer): Promise<void> {
    await this.#file?.write(bytes, this.#position)
    this.#position += bytes.length
  }

  /** Resolves when what was written of the last file is on disk. */
  async end(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    try {
      await file?.datasync()
    } finally {
      await file?.close()
    }
  }

  /** Resolves when the names are on disk, too. */
  async settle(): Promise<void> {
    for (const directory of this.#directories) await nodeFileSystem.syncDirectory(directory)
  }

  async #make(directory: string): Promise<void> {
    if (this.#directories.has(directory)) return
    await nodeFileSystem.makeDirectory(directory)
    for (let each = directory; each.length >= this.#work.length; each = dirname(each)) {
      this.#directories.add(each)
    }
  }
}

/** Reads every record and makes the indexes. Resolves with the files of partitions that were damaged before. */
async function validate({ files, version }: Manifest, work: string): Promise<string[]> {
  const format = await readFormat(nodeFileSystem, work)
  if (format === undefined || format === 0) {
    throw new BrokerError('CORRUPT_RECORD', 'the backup is damaged: it names no format')
  }
  if (format > FORMAT_VERSION) {
    const message = `goqueue ${version} wrote format ${format}, this version knows up to ${FORMAT_VERSION}`
    throw new BrokerError('FORMAT_TOO_NEW', message)
  }
  const unopened = new Set(files.filter((file) => file.unopened).map(({ name }) => name))
  const damaged: string[] = []
  const platform = { clock: systemClock, random: Math.random, logger: silentLogger }
  for await (const line of repair({ fileSystem: nodeFileSystem, platform, path: work })) {
    if (line.kind !== 'problem') continue
    const name = line.file.slice(work.length + 1)
    if (!unopened.has(name)) {
      throw new BrokerError('LOG_CORRUPT', `${name} in the backup: ${line.reason}`)
    }
    damaged.push(name)
  }
  return damaged
}

async function moveUp(work: string, directory: string): Promise<void> {
  const names = (await nodeFileSystem.list(work)).map(({ name }) => name)
  const first = names.filter((name) => name !== 'LOCK' && !MOVED_LAST.includes(name))
  for (const name of [...first, ...MOVED_LAST.filter((each) => names.includes(each))]) {
    await nodeFileSystem.rename(join(work, name), join(directory, name))
  }
  await nodeFileSystem.syncDirectory(directory)
}
