/**
 * The real disk. Built on the callback form of node:fs: on the append path a FileHandle of fs.promises costs
 * a third more per call.
 */
import fs from 'node:fs'
import { KiB } from '../kernel/units.ts'
import type { DirectoryLock } from './directoryLock.ts'
import { lockDirectory } from './directoryLock.ts'
import type { DirectoryEntry, FileHandle, FileSystem, OpenOptions } from './fileSystem.ts'
import { OnTheSpot, type SpotTime } from './onTheSpot.ts'

const FLAGS: Readonly<Record<OpenOptions['mode'], number>> = {
  read: fs.constants.O_RDONLY,
  write: fs.constants.O_RDWR,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT,
}
const FILE_MODE = 0o644

/** Runs one callback call of node:fs as a promise. */
const settle = <T>(start: (done: (error: Error | null, value: T) => void) => void): Promise<T> =>
  new Promise((resolve, reject) => {
    start((error, value) => (error === null ? resolve(value) : reject(error)))
  })

const settleVoid = (start: (done: (error: Error | null) => void) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    start((error) => (error === null ? resolve() : reject(error)))
  })

const time: SpotTime = {
  nowMs: () => performance.now(),
  turned: (call) => void setImmediate(call),
}
const smallWrites = new OnTheSpot({ bytesMax: 16 * KiB, slowMs: 2, creditMs: 10 }, time)
/** A page that is not in memory takes at least 0.1 ms to come from the fastest disks; 256 KiB are copied in 0.04 ms. */
const quickReads = new OnTheSpot(
  { bytesMax: 512 * KiB, slowMs: 0.5, creditMs: 10, turnMs: 2 },
  time,
)

class NodeFileHandle implements FileHandle {
  readonly #fd: number
  #syncs = 0

  constructor(fd: number) {
    this.#fd = fd
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    if (this.#syncs > 0 || !smallWrites.suits(bytes.length)) {
      await this.#writeByThread(bytes, position)
      return
    }
    smallWrites.run(() => {
      let from = 0
      while (from < bytes.length) {
        from += fs.writeSync(this.#fd, bytes, from, bytes.length - from, position + from)
      }
    })
  }

  #writeByThread(bytes: Uint8Array, position: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const put = (from: number): void => {
        fs.write(this.#fd, bytes, from, bytes.length - from, position + from, (error, written) => {
          if (error !== null) reject(error)
          else if (from + written < bytes.length) put(from + written)
          else resolve()
        })
      }
      put(0)
    })
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    if (!quickReads.suits(into.length)) return await this.#readByThread(into, position)
    return quickReads.run(() => {
      let filled = 0
      while (filled < into.length) {
        const count = fs.readSync(this.#fd, into, filled, into.length - filled, position + filled)
        if (count === 0) break
        filled += count
      }
      return filled
    })
  }

  #readByThread(into: Uint8Array, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const fill = (from: number): void => {
        fs.read(this.#fd, into, from, into.length - from, position + from, (error, count) => {
          if (error !== null) reject(error)
          else if (count === 0 || from + count === into.length) resolve(from + count)
          else fill(from + count)
        })
      }
      if (into.length === 0) resolve(0)
      else fill(0)
    })
  }

  async datasync(): Promise<void> {
    this.#syncs += 1
    try {
      await settleVoid((done) => fs.fdatasync(this.#fd, done))
    } finally {
      this.#syncs -= 1
    }
  }

  truncate(sizeBytes: number): Promise<void> {
    return settleVoid((done) => fs.ftruncate(this.#fd, sizeBytes, done))
  }

  async size(): Promise<number> {
    const stats = await settle<fs.Stats>((done) => fs.fstat(this.#fd, done))
    return stats.size
  }

  close(): Promise<void> {
    return settleVoid((done) => fs.close(this.#fd, done))
  }
}

class NodeFileSystem implements FileSystem {
  async open(path: string, options: OpenOptions): Promise<FileHandle> {
    const flags = FLAGS[options.mode]
    return new NodeFileHandle(await settle((done) => fs.open(path, flags, FILE_MODE, done)))
  }

  async makeDirectory(path: string): Promise<void> {
    await fs.promises.mkdir(path, { recursive: true })
  }

  async list(path: string): Promise<readonly DirectoryEntry[]> {
    const entries = await fs.promises.readdir(path, { withFileTypes: true })
    return entries
      .map((entry) => ({ name: entry.name, isDirectory: entry.isDirectory() }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  rename(from: string, to: string): Promise<void> {
    return settleVoid((done) => fs.rename(from, to, done))
  }

  remove(path: string): Promise<void> {
    return settleVoid((done) => fs.unlink(path, done))
  }

  async removeTree(path: string): Promise<void> {
    await fs.promises.rm(path, { recursive: true, force: true })
  }

  async syncDirectory(path: string): Promise<void> {
    const fd = await settle<number>((done) => fs.open(path, fs.constants.O_RDONLY, done))
    try {
      await settleVoid((done) => fs.fsync(fd, done))
    } finally {
      await settleVoid((done) => fs.close(fd, done))
    }
  }

  async exists(path: string): Promise<boolean> {
    const error = await new Promise<Error | null>((resolve) => fs.access(path, resolve))
    if (error === null) return true
    if (isSystemError(error, 'ENOENT') || isSystemError(error, 'ENOTDIR')) return false
    throw error
  }

  lock(path: string): Promise<DirectoryLock> {
    return lockDirectory(path)
  }
}

/** True where `error` is the operating system's error `code`, such as `ENOENT`. */
export const isSystemError = (error: unknown, code: string): boolean =>
  error instanceof Error && (error as NodeJS.ErrnoException).code === code

/** The machine's own disk. */
export const nodeFileSystem: FileSystem = new NodeFileSystem()
