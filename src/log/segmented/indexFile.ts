/**
 * One index of one segment: entries in a file, and behind them entries that are still in memory because
 * the log is not yet synced so far. The file's part is read when it is first asked for and kept in the
 * engine's index cache, which may drop it at any time.
 */
import { readWholeFile, writeFileAtomically } from '../../io/index.ts'
import { PooledFile } from './filePool.ts'
import {
  checkedFloorEntry,
  ENTRY_BYTES,
  entryKey,
  floorEntry,
  type IndexEntry,
  isEntry,
  readEntry,
  validPrefix,
} from './indexEntries.ts'
import type { Services } from './services.ts'

interface PendingEntries {
  readonly entries: Buffer
  /** The offset behind the records they are about. */
  readonly endOffset: number
}

const NO_ENTRIES = Buffer.alloc(0)

export class IndexFile {
  #file: PooledFile
  readonly #services: Services
  /** Entries that wait for a sync of the log, ascending. */
  readonly #pending: PendingEntries[] = []
  /** Bytes of valid entries in the file; undefined until somebody looked. */
  #fileBytes: number | undefined
  /** The file's entries, or its first ones. */
  #loaded: Buffer | undefined

  constructor(file: PooledFile, services: Services) {
    this.#file = file
    this.#services = services
  }

  get file(): PooledFile {
    return this.#file
  }

  /** Says how much of the file is valid; what is behind it will be overwritten. */
  setFileBytes(bytes: number): void {
    this.#fileBytes = bytes
    this.forget()
  }

  /** Takes entries behind all others; they stay in memory until {@link flush}. */
  addPending(entries: Buffer, endOffset: number): void {
    if (entries.length > 0) this.#pending.push({ entries, endOffset })
  }

  get hasPending(): boolean {
    return this.#pending.length > 0
  }

  /** Writes the pending entries of records below `durable`; on an error they stay pending. One call at a time. */
  async flush(durable: number): Promise<void> {
    const pending = this.#pending
    let blocks = 0
    while (blocks < pending.length && (pending[blocks] as PendingEntries).endOffset <= durable) {
      blocks += 1
    }
    if (blocks === 0) return
    const entries = Buffer.concat(pending.slice(0, blocks).map((block) => block.entries))
    const at = await this.fileBytes()
    await this.#services.files.use(this.#file, (handle) => handle.write(entries, at))
    this.#fileBytes = at + entries.length
    pending.splice(0, blocks)
  }

  /**
   * Makes `entries`, without those that are pending, the content of the file; false where they are that
   * already. Not beside {@link flush}.
   */
  async replace(entries: Buffer): Promise<boolean> {
    const firstPending = this.#pending[0]
    const end =
      firstPending === undefined
        ? entries.length
        : floorEntry(entries, entryKey(firstPending.entries, 0) - 1) + ENTRY_BYTES
    const wanted = entries.subarray(0, end)
    const { files, fileSystem } = this.#services
    const { path, mode } = this.#file
    const before = (await readWholeFile(fileSystem, path)) ?? NO_ENTRIES
    if (before.equals(wanted)) return false
    await writeFileAtomically(fileSystem, path, wanted)
    // Who holds the replaced file open finishes with it; the next to ask opens the new one.
    const replaced = this.#file
    this.#file = new PooledFile(path, mode)
    this.setFileBytes(end)
    await files.close(replaced)
    return true
  }

  /** The last valid entry of the file; what stands behind it does not count. For opening. */
  async recoverEnd(): Promise<IndexEntry | undefined> {
    if (this.#fileBytes === 0) return undefined
    const size = await this.#services.files.sizeOf(this.#file)
    const whole = size - (size % ENTRY_BYTES)
    const last = await this.#readAt(Math.max(0, whole - ENTRY_BYTES), Math.min(whole, ENTRY_BYTES))
    if (whole === size && (size === 0 || isEntry(last, 0))) return this.#endsAt(size, last)
    const bytes = await this.#readAt(0, whole)
    const valid = validPrefix(bytes)
    return this.#endsAt(valid, bytes.subarray(Math.max(0, valid - ENTRY_BYTES), valid))
  }

  #endsAt(fileBytes: number, last: Buffer): IndexEntry | undefined {
    this.setFileBytes(fileBytes)
    if (fileBytes === 0) return undefined
    return readEntry(last, 0)
  }

  async #readAt(position: number, size: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(size)
    if (size === 0) return bytes
    const { files } = this.#services
    const count = await files.use(this.#file, (handle) => handle.read(bytes, position))
    return bytes.subarray(0, count)
  }

  /** The last entry with a key of at most `key`: undefined where there is none, 'damaged' where the file lies. */
  async floor(key: number): Promise<IndexEntry | undefined | 'damaged'> {
    const pending = this.#floorPending(key)
    if (pending !== undefined) return pending
    const bytes = await this.#load()
    const at = checkedFloorEntry(bytes, key)
    if (at === undefined) return 'damaged'
    return at < 0 ? undefined : readEntry(bytes, at)
  }

  /** True where there is no entry, neither in the file nor in memory. */
  async isEmpty(): Promise<boolean> {
    return !this.hasPending && (await this.fileBytes()) === 0
  }

  /** Bytes of whole entries in the file; 0 where there is no file. */
  async fileBytes(): Promise<number> {
    if (this.#fileBytes === undefined) {
      const size = await this.#services.files.sizeOf(this.#file)
      this.#fileBytes ??= size - (size % ENTRY_BYTES)
    }
    return this.#fileBytes
  }

  /** Drops what was read of the file. */
  forget(): void {
    if (this.#loaded === undefined) return
    this.#services.indexes.remove(this, this.#loaded.length)
    this.#loaded = undefined
  }

  #floorPending(key: number): IndexEntry | undefined {
    let low = 0
    let high = this.#pending.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (entryKey((this.#pending[middle] as PendingEntries).entries, 0) <= key) low = middle + 1
      else high = middle
    }
    const block = this.#pending[low - 1]
    if (block === undefined) return undefined
    const at = floorEntry(block.entries, key)
    return readEntry(block.entries, at)
  }

  async #load(): Promise<Buffer> {
    const size = await this.fileBytes()
    const before = this.#loaded
    if (before !== undefined && before.length >= size) {
      this.#services.indexes.touch(this)
      return before
    }
    const known = before?.length ?? 0
    const more = await this.#readAt(known, size - known)
    const bytes = before === undefined ? more : Buffer.concat([before, more])
    this.forget()
    this.#loaded = bytes
    this.#services.indexes.add(this, bytes.length)
    return bytes
  }
}
