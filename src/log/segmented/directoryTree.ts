/**
 * The directories below one root, and which of them may hold entries that a power loss would undo.
 *
 * A file that was synced is still lost when the entry that names it was not. Directories are therefore synced
 * before the first sync of a file in them counts; once settled they stay so until something is made in them.
 */
import { dirname, join } from 'node:path'
import type { FileSystem } from '../../io/index.ts'

export class DirectoryTree {
  readonly root: string
  readonly #fileSystem: FileSystem
  readonly #made = new Set<string>()
  /** Directories that were synced since something was made in them, or are being synced. */
  readonly #settled = new Map<string, Promise<void>>()

  constructor(fileSystem: FileSystem, root: string) {
    this.#fileSystem = fileSystem
    this.root = join(root, '.')
  }

  /** The absolute path of `path` below the root. */
  at(path: string): string {
    return path === '' ? this.root : join(this.root, path)
  }

  /** Makes the directory where it is missing. */
  async make(path: string): Promise<void> {
    const full = this.at(path)
    if (this.#made.has(full)) return
    await this.#fileSystem.makeDirectory(full)
    this.#made.add(full)
    for (const each of this.#upwards(dirname(full))) this.#settled.delete(each)
  }

  /** Notes that something was created in the directory, or removed from it. */
  changed(path: string): void {
    this.#settled.delete(this.at(path))
  }

  /** Resolves when the directory's entries and those that lead to it would survive a power loss. */
  async settle(path: string): Promise<void> {
    const paths = [...this.#upwards(this.at(path))]
    await Promise.all(paths.map((each) => this.#settleOne(each)))
  }

  /** Forgets a directory that was removed, and all below. */
  removed(path: string): void {
    const full = this.at(path)
    for (const known of [this.#made, this.#settled]) {
      for (const each of known.keys()) {
        if (each === full || each.startsWith(`${full}/`)) known.delete(each)
      }
    }
  }

  #settleOne(path: string): Promise<void> {
    const before = this.#settled.get(path)
    if (before !== undefined) return before
    const syncing = this.#fileSystem.syncDirectory(path).catch((error: unknown) => {
      if (this.#settled.get(path) === syncing) this.#settled.delete(path)
      throw error
    })
    this.#settled.set(path, syncing)
    return syncing
  }

  /** `path` and the directories above it, up to the root. */
  *#upwards(path: string): Generator<string> {
    let each = path
    while (each.length > this.root.length) {
      yield each
      each = dirname(each)
    }
    yield this.root
  }
}
