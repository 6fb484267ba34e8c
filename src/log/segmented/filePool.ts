/**
 * Open files of an engine, at most so many: a file is opened when it is used, stays open while it is
 * used often, and the one longest idle is closed for the next. An idle log holds none.
 *
 * Nobody may use a file from within the use of another, so a full pool always empties.
 */

import {
  type FileHandle,
  type FileSystem,
  isSystemError,
  type OpenOptions,
} from '../../io/index.ts'
import { BrokerError } from '../../kernel/errors.ts'
import { invariant } from '../../kernel/invariant.ts'

/** A file that may be open. Belongs to one pool. */
export class PooledFile {
  readonly path: string
  #mode: OpenOptions['mode']
  /** Bytes were written that no datasync covers: the file is then synced before the pool closes it. */
  dirty = false
  /** Told when that sync fails. */
  onSyncFailed: ((error: unknown) => void) | undefined
  handle: FileHandle | undefined
  opening: Promise<FileHandle> | undefined
  users = 0
  /** Set once the file is not to be used again; resolves its closing when the last user is gone. */
  whenUnused: (() => void) | undefined
  closed = false

  constructor(path: string, mode: OpenOptions['mode']) {
    this.path = path
    this.#mode = mode
  }

  /** How it is opened. An open file stays as it was opened, so it cannot become writable. */
  get mode(): OpenOptions['mode'] {
    return this.#mode
  }

  set mode(mode: OpenOptions['mode']) {
    const isOpen = this.handle !== undefined || this.opening !== undefined
    invariant(
      !isOpen || this.#mode !== 'read' || mode === 'read',
      `${this.path} is open for reading`,
    )
    this.#mode = mode
  }
}

const EVICTED_WHEN_REFUSED = 32

export class FilePool {
  readonly #fileSystem: FileSystem
  readonly #openMax: number
  /** Open files, the longest unused first. */
  readonly #open = new Set<PooledFile>()
  /** Descriptors held: open files, and those being opened or closed. */
  #held = 0
  readonly #waiting: (() => void)[] = []

  constructor(fileSystem: FileSystem, openMax: number) {
    this.#fileSystem = fileSystem
    this.#openMax = openMax
  }

  /** Descriptors held at this moment. */
  get held(): number {
    return this.#held
  }

  /** Runs `task` on the open file. Rejects with the error of opening it or of the task, LOG_CLOSED after close(). */
  async use<T>(file: PooledFile, task: (handle: FileHandle) => Promise<T>): Promise<T> {
    if (file.closed) throw new BrokerError('LOG_CLOSED', `${file.path} is closed`)
    file.users += 1
    try {
      const handle = file.handle ?? (await this.#ensureOpen(file))
      // The order matters only to evictions, which begin when the pool is full.
      if (this.#held >= this.#openMax) this.#touch(file)
      return await task(handle)
    } finally {
      file.users -= 1
      if (file.users === 0) {
        file.whenUnused?.()
        this.#wakeOne()
      }
    }
  }

  /** Size of the file in bytes; 0 where there is none. */
  async sizeOf(file: PooledFile): Promise<number> {
    try {
      return await this.use(file, (handle) => handle.size())
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return 0
      throw error
    }
  }

  /** Gives the file's descriptor back where it is idle and clean. */
  async release(file: PooledFile): Promise<void> {
    if (file.users === 0 && !file.dirty) await this.#shut(file)
  }

  /** Closes the file for good, when those who use it have finished. */
  async close(file: PooledFile): Promise<void> {
    if (file.closed) return
    file.closed = true
    if (file.users > 0) {
      await new Promise<void>((resolve) => {
        file.whenUnused = resolve
      })
    }
    await this.#shut(file)
  }

  #touch(file: PooledFile): void {
    this.#open.delete(file)
    this.#open.add(file)
  }

  #wakeOne(): void {
    if (this.#waiting.length > 0) this.#waiting.shift()?.()
  }

  #ensureOpen(file: PooledFile): Promise<FileHandle> {
    file.opening ??= this.#openFile(file).finally(() => {
      file.opening = undefined
    })
    return file.opening
  }

  async #openFile(file: PooledFile): Promise<FileHandle> {
    while (this.#held >= this.#openMax) {
      const victim = this.#victim()
      if (victim !== undefined) await this.#shut(victim)
      else {
        // In the same step in which nothing was idle: who finishes from now on wakes this one.
        await new Promise<void>((resolve) => {
          this.#waiting.push(resolve)
        })
      }
    }
    this.#held += 1
    try {
      file.handle = await this.#openOrMakeRoom(file)
    } catch (error) {
      this.#held -= 1
      this.#wakeOne()
      throw error
    }
    this.#open.add(file)
    return file.handle
  }

  /** Where the system has no descriptor left, gives some of ours back and tries once more. */
  async #openOrMakeRoom(file: PooledFile): Promise<FileHandle> {
    try {
      return await this.#fileSystem.open(file.path, { mode: file.mode })
    } catch (error) {
      if (!isSystemError(error, 'EMFILE') && !isSystemError(error, 'ENFILE')) throw error
      let evicted = 0
      while (evicted < EVICTED_WHEN_REFUSED && (await this.#evictOne())) evicted += 1
      if (evicted === 0) throw error
      return await this.#fileSystem.open(file.path, { mode: file.mode })
    }
  }

  /** Closes a file that is idle; false where all are in use. */
  async #evictOne(): Promise<boolean> {
    const victim = this.#victim()
    if (victim === undefined) return false
    await this.#shut(victim)
    return true
  }

  /** The file longest idle, a clean one where there is any. */
  #victim(): PooledFile | undefined {
    let victim: PooledFile | undefined
    for (const file of this.#open) {
      if (file.users > 0) continue
      victim ??= file
      if (!file.dirty) return file
    }
    return victim
  }

  async #shut(file: PooledFile): Promise<void> {
    const { handle } = file
    if (handle === undefined) return
    file.handle = undefined
    this.#open.delete(file)
    try {
      if (file.dirty) await this.#syncBeforeClose(file, handle)
      await handle.close()
    } finally {
      this.#held -= 1
      this.#wakeOne()
    }
  }

  async #syncBeforeClose(file: PooledFile, handle: FileHandle): Promise<void> {
    file.dirty = false
    try {
      await handle.datasync()
    } catch (error) {
      file.onSyncFailed?.(error)
    }
  }
}
