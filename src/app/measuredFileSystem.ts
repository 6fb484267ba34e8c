/** A file system that tells how long each sync of a file took; everything else passes through. */
import type { FileHandle, FileSystem } from '../io/index.ts'
import type { Clock } from '../kernel/platform.ts'

export interface SyncObserver {
  synced(durationMs: number): void
  failed(): void
}

export function measuredFileSystem(
  inner: FileSystem,
  clock: Clock,
  observer: SyncObserver,
): FileSystem {
  const lock = inner.lock?.bind(inner)
  return {
    open: async (path, options) => measured(await inner.open(path, options), clock, observer),
    makeDirectory: (path) => inner.makeDirectory(path),
    list: (path) => inner.list(path),
    rename: (from, to) => inner.rename(from, to),
    remove: (path) => inner.remove(path),
    removeTree: (path) => inner.removeTree(path),
    syncDirectory: (path) => inner.syncDirectory(path),
    exists: (path) => inner.exists(path),
    ...(lock === undefined ? {} : { lock }),
  }
}

const measured = (inner: FileHandle, clock: Clock, observer: SyncObserver): FileHandle => ({
  write: (bytes, position) => inner.write(bytes, position),
  read: (into, position) => inner.read(into, position),
  truncate: (sizeBytes) => inner.truncate(sizeBytes),
  size: () => inner.size(),
  close: () => inner.close(),
  async datasync() {
    const startedMs = clock.monotonicMs()
    try {
      await inner.datasync()
    } catch (error) {
      observer.failed()
      throw error
    }
    observer.synced(clock.monotonicMs() - startedMs)
  },
})
