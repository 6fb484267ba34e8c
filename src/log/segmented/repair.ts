/** Making the indexes of stored segments again. */
import { dirname, join, resolve } from 'node:path'
import type { DirectoryLock, FileSystem } from '../../io/index.ts'
import type { Platform } from '../../kernel/platform.ts'
import { FORMAT_FILE } from './format.ts'
import { segmentsAt } from './inspect.ts'
import type { ProblemLine } from './inspectLines.ts'
import { makeServices } from './makeServices.ts'
import { indexOf } from './rebuild.ts'
import { Segment } from './segment.ts'
import type { Services } from './services.ts'
import { storageError } from './storageError.ts'

/** The indexes of a segment are now what its records say; `changed` where they were not before. */
export interface RepairedLine {
  readonly kind: 'repaired'
  readonly file: string
  readonly changed: boolean
}

export interface RepairSetup {
  readonly fileSystem: FileSystem
  readonly platform: Platform
  /** A data directory, a directory in it, or one segment. */
  readonly path: string
}

/**
 * Rebuilds the indexes of all segments there; records are never touched. A segment whose records are not whole
 * is indexed up to there and named as a problem. Rejects with DATA_DIR_LOCKED while a process has the data
 * directory open, with STORAGE_ERROR where the disk refuses.
 */
export async function* repair(setup: RepairSetup): AsyncGenerator<RepairedLine | ProblemLine> {
  const { fileSystem, path } = setup
  const lock = await lockDataDirectory(fileSystem, path)
  try {
    const services = makeServices({ ...setup, directory: path })
    for await (const { file, baseOffset } of segmentsAt(fileSystem, path)) {
      yield* repairSegment(services, new Segment(services, dirname(file), baseOffset))
    }
  } catch (error) {
    throw storageError(error, `repair ${path}`)
  } finally {
    await lock?.release()
  }
}

async function* repairSegment(
  services: Services,
  segment: Segment,
): AsyncGenerator<RepairedLine | ProblemLine> {
  const file = segment.log.path
  segment.sizeBytes = await services.files.sizeOf(segment.log)
  const { walk, block } = await indexOf(services, segment)
  // An index entry vouches for what is below it being on disk.
  await services.files.use(segment.log, (handle) => handle.datasync())
  const changed = await segment.replaceIndexes(block, walk.batchEndOffset)
  await segment.close()
  if (walk.problem !== undefined)
    yield { kind: 'problem', file, ...walk.problem, repairable: false }
  yield { kind: 'repaired', file, changed }
}

/** Locks the data directory that `path` is, or is in; a segment outside of any needs no lock. */
async function lockDataDirectory(
  fileSystem: FileSystem,
  path: string,
): Promise<DirectoryLock | undefined> {
  for (let directory = resolve(path); ; directory = dirname(directory)) {
    if (await fileSystem.exists(join(directory, FORMAT_FILE))) {
      return await fileSystem.lock?.(directory)
    }
    if (directory === dirname(directory)) return undefined
  }
}
