/**
 * A home of many logs on one directory. What lies in it:
 *
 *   LOCK/            held while a process has it open
 *   FORMAT           {"format":2}; a newer number is refused
 *   CLEAN            the logs that were closed in order; removed while the directory is in use
 *   <path>/…         a log: segments, indexes, torn tails
 *   <name>           a blob, replaced as a whole
 */

import { type DirectoryLock, type FileSystem, isSystemError } from '../../io/index.ts'
import { BrokerError } from '../../kernel/errors.ts'
import { invariant } from '../../kernel/invariant.ts'
import type { Platform } from '../../kernel/platform.ts'
import type { BlobStore, Capture, LogEngine, LogOptions, PartitionLog } from '../port.ts'
import { FileBlobs } from './blobs.ts'
import { capture } from './capture.ts'
import { CleanMarks } from './cleanMarks.ts'
import { makeDataDirectory } from './dataDirectory.ts'
import { checkFormat } from './format.ts'
import { openLog, SEGMENTED_CAPABILITIES, type SegmentedLog } from './log.ts'
import { makeServices } from './makeServices.ts'
import type { SegmentedOptions, Services } from './services.ts'
import { storageError } from './storageError.ts'

export interface SegmentedEngineSetup {
  /** Made where it is missing. */
  readonly directory: string
  readonly fileSystem: FileSystem
  readonly platform: Platform
  readonly options?: Partial<SegmentedOptions>
}

/**
 * Takes possession of a data directory. Rejects with DATA_DIR_LOCKED while another process has it, with
 * FORMAT_TOO_NEW where a newer version wrote it, with STORAGE_ERROR where the disk refuses.
 */
export async function openSegmentedEngine(setup: SegmentedEngineSetup): Promise<LogEngine> {
  const { directory, fileSystem } = setup
  let lock: DirectoryLock | undefined
  try {
    await makeDataDirectory(fileSystem, directory)
    lock = await fileSystem.lock?.(directory)
    await checkFormat(fileSystem, directory)
    const marks = await CleanMarks.take(fileSystem, directory)
    return new SegmentedEngine(makeServices(setup), marks, lock)
  } catch (error) {
    await lock?.release()
    throw error instanceof BrokerError ? error : storageError(error, `open ${directory}`)
  }
}

const parentOf = (path: string): string => path.split('/').slice(0, -1).join('/')

class SegmentedEngine implements LogEngine {
  readonly capabilities = SEGMENTED_CAPABILITIES
  readonly blobs: BlobStore
  readonly #services: Services
  readonly #marks: CleanMarks
  readonly #lock: DirectoryLock | undefined
  /** Logs that are open, or being opened. */
  readonly #logs = new Map<string, Promise<SegmentedLog>>()
  /** Those that are open. */
  readonly #open = new Map<string, SegmentedLog>()
  #closing: Promise<void> | undefined

  constructor(services: Services, marks: CleanMarks, lock: DirectoryLock | undefined) {
    this.#services = services
    this.#marks = marks
    this.#lock = lock
    this.blobs = new FileBlobs(services)
  }

  async open(path: string, options: LogOptions): Promise<PartitionLog> {
    this.#checkOpen()
    invariant(!this.#logs.has(path), `log ${path} is open already`)
    const directory = this.#services.directories.at(path)
    const clean = this.#marks.claim(path)
    const opening = this.#services.opening.run(() =>
      openLog(this.#services, { path, directory, clean }, options),
    )
    this.#logs.set(path, opening)
    try {
      const log = await opening
      this.#open.set(path, log)
      log.onClosed = () => this.#closed(path, log)
      return log
    } catch (error) {
      this.#logs.delete(path)
      throw error
    }
  }

  async list(path: string): Promise<readonly string[]> {
    this.#checkOpen()
    try {
      const entries = await this.#services.fileSystem.list(this.#services.directories.at(path))
      return entries.map((entry) => entry.name)
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return []
      throw storageError(error, `list ${path}`)
    }
  }

  async remove(path: string): Promise<void> {
    this.#checkOpen()
    for (const open of this.#logs.keys()) {
      invariant(open !== path && !open.startsWith(`${path}/`), `log ${open} is removed while open`)
    }
    if (this.#services.removals.areHeld) this.#removeLater(path)
    else await this.#remove(path)
  }

  async capture(): Promise<Capture> {
    this.#checkOpen()
    const [logs, open] = [this.#logs, this.#open]
    const captured = await capture(this.#services, {
      open,
      get areOpening() {
        return logs.size > open.size
      },
      settled: async () => {
        await Promise.allSettled(logs.values())
      },
    })
    return {
      files: captured.files,
      read: (file) => captured.read(file),
      release: async () => {
        await captured.release()
        for (const log of [...open.values()]) await log.removeDoomed()
      },
    }
  }

  /** Paths are not used again, and what a crash leaves of one goes at the next start. */
  #removeLater(path: string): void {
    this.#services.removals.putOff(async () => {
      await this.#remove(path).catch((error: unknown) => {
        this.#services.platform.logger.warn({ path, error }, 'files left for the next start')
      })
    })
  }

  async #remove(path: string): Promise<void> {
    const { directories, fileSystem } = this.#services
    try {
      await fileSystem.removeTree(directories.at(path))
      directories.removed(path)
      this.#marks.forget(path)
      const parent = parentOf(path)
      if (!(await fileSystem.exists(directories.at(parent)))) return
      directories.changed(parent)
      await directories.settle(parent)
    } catch (error) {
      throw storageError(error, `remove ${path}`)
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  #checkOpen(): void {
    if (this.#closing === undefined) return
    throw new BrokerError('LOG_CLOSED', 'the storage engine is closed')
  }

  #closed(path: string, log: SegmentedLog): void {
    this.#logs.delete(path)
    this.#open.delete(path)
    if (log.isClean) this.#marks.add(path)
  }

  async #close(): Promise<void> {
    const closing = [...this.#logs.values()].map(async (opening) => {
      const log = await opening.catch(() => undefined)
      await log?.close()
    })
    await Promise.all(closing)
    await this.#services.flusher.stop()
    try {
      await this.#marks.write()
    } finally {
      await this.#lock?.release()
    }
  }
}
