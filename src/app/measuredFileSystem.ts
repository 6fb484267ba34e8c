/**
 * A file system that counts what is done with it, by the part of the broker that a file belongs to; everything passes
 * through. One closure an open file, two looks at the clock a write: both far below what a write costs.
 */
import { relative, sep } from 'node:path'
import type { FileHandle, FileSystem } from '../io/index.ts'
import type { Clock } from '../kernel/platform.ts'
import type { Area, AreaMeter, Meters } from '../observability/index.ts'

export interface Measuring {
  readonly clock: Clock
  readonly meters: Pick<Meters, 'storage' | 'sync' | 'syncFailures'>
  /** The data directory. */
  readonly directory: string
}

const SEGMENT = /\/\d{20}\.log$/

export function measuredFileSystem(inner: FileSystem, measuring: Measuring): FileSystem {
  const lock = inner.lock?.bind(inner)
  const { meters, directory } = measuring
  const { areas } = meters.storage
  return {
    open: async (path, options) => {
      const handle = await inner.open(path, options)
      meters.storage.openFiles += 1
      return measured(handle, measuring, areas[areaOf(directory, path)])
    },
    makeDirectory: (path) => inner.makeDirectory(path),
    list: (path) => inner.list(path),
    rename: (from, to) => inner.rename(from, to),
    remove: async (path) => {
      await inner.remove(path)
      if (SEGMENT.test(path)) areas[areaOf(directory, path)].segmentsRemoved += 1
    },
    removeTree: (path) => inner.removeTree(path),
    syncDirectory: (path) => inner.syncDirectory(path),
    exists: (path) => inner.exists(path),
    ...(lock === undefined ? {} : { lock }),
  }
}

/** By the directory below the data directory. */
function areaOf(directory: string, path: string): Area {
  const [first] = relative(directory, path).split(sep)
  return first === 'topics' || first === 'delay' || first === 'state' ? first : 'other'
}

function measured(inner: FileHandle, { clock, meters }: Measuring, area: AreaMeter): FileHandle {
  return {
    async write(bytes, position) {
      const startedMs = clock.monotonicMs()
      try {
        await inner.write(bytes, position)
      } catch (error) {
        area.writeFailures += 1
        throw error
      }
      area.write.observe((clock.monotonicMs() - startedMs) / 1000)
      area.writtenBytes += bytes.length
    },
    read: (into, position) => inner.read(into, position),
    truncate: (sizeBytes) => inner.truncate(sizeBytes),
    size: () => inner.size(),
    async close() {
      meters.storage.openFiles -= 1
      await inner.close()
    },
    async datasync() {
      const startedMs = clock.monotonicMs()
      try {
        await inner.datasync()
      } catch (error) {
        meters.syncFailures += 1
        throw error
      }
      meters.sync.observe((clock.monotonicMs() - startedMs) / 1000)
    },
  }
}
