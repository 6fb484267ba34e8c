/**
 * A quick look at stored logs, without an engine and without changing anything: what an opening after a crash reads.
 *
 *   each segment      its size, its first record, and every record behind its last index entry
 *   sealed ones       that they end where the next one begins, and that their index is whole
 *   the last one      what a crash left half-written at its end is torn: the next start cuts it off
 *
 * What lies between the first record and the last index entry is not read: `inspect` does that.
 */
import { dirname, join } from 'node:path'
import { type FileHandle, type FileSystem, readWholeFile } from '../../io/index.ts'
import { KiB } from '../../kernel/units.ts'
import {
  ENTRY_BYTES,
  INDEX_INTERVAL_BYTES,
  type IndexEntry,
  readEntry,
  validPrefix,
} from './indexEntries.ts'
import { directoriesBelow, segmentsOf } from './inspect.ts'
import type { SegmentToInspect } from './inspectSegment.ts'
import { segmentFileName } from './names.ts'
import { storageError } from './storageError.ts'
import { type Walk, walkFrom, walkRecords } from './walk.ts'

export interface SurveyProblem {
  /** torn: the next start cuts it; index: can be made again; damage: neither. */
  readonly kind: 'torn' | 'index' | 'damage'
  readonly file: string
  readonly position: number
  readonly reason: string
}

/** One log. */
export interface SurveyedLog {
  readonly directory: string
  readonly segments: number
  readonly sizeBytes: number
  readonly start: number
  /** Behind the last whole batch. */
  readonly next: number
  readonly problems: readonly SurveyProblem[]
}

const BLOCK_BYTES = 256 * KiB
const EMPTY = Buffer.alloc(0)

/** The logs below `path`, in order. Rejects with STORAGE_ERROR where something cannot be read. */
export async function* survey(fileSystem: FileSystem, path: string): AsyncGenerator<SurveyedLog> {
  try {
    for await (const directory of directoriesBelow(fileSystem, path)) {
      const segments = await segmentsOf(fileSystem, directory)
      if (segments.length > 0) yield await surveyLog(fileSystem, directory, segments)
    }
  } catch (error) {
    throw storageError(error, `look at ${path}`)
  }
}

async function surveyLog(
  fileSystem: FileSystem,
  directory: string,
  segments: readonly SegmentToInspect[],
): Promise<SurveyedLog> {
  const problems: SurveyProblem[] = []
  let [sizeBytes, next] = [0, 0]
  for (const segment of segments) {
    const found = await surveySegment(fileSystem, segment)
    problems.push(...found.problems)
    sizeBytes += found.sizeBytes
    next = found.next
  }
  const start = segments[0]?.baseOffset ?? 0
  return { directory, segments: segments.length, sizeBytes, start, next, problems }
}

interface SurveyedSegment {
  readonly sizeBytes: number
  readonly next: number
  readonly problems: readonly SurveyProblem[]
}

async function surveySegment(
  fileSystem: FileSystem,
  segment: SegmentToInspect,
): Promise<SurveyedSegment> {
  const { file, baseOffset, nextBaseOffset } = segment
  const isLast = nextBaseOffset === undefined
  const index = await lastEntry(fileSystem, segment)
  const handle = await fileSystem.open(file, { mode: 'read' })
  try {
    const sizeBytes = await handle.size()
    const problems = index.problem === undefined ? [] : [index.problem]
    const damage = (position: number, reason: string): SurveyedSegment => ({
      ...{ sizeBytes, next: baseOffset },
      problems: [...problems, { kind: 'damage', file, position, reason }],
    })
    if (sizeBytes === 0) {
      return isLast ? { sizeBytes, next: baseOffset, problems } : damage(0, 'it is empty')
    }
    const from = index.entry?.value ?? 0
    if (from >= sizeBytes) return damage(sizeBytes, `it ends before ${from}, which was synced`)
    if (from > 0) {
      const first = walkFrom(0, baseOffset)
      await walkTo(handle, first, { fileEnd: sizeBytes, until: 1 })
      if (first.problem !== undefined) return damage(first.problem.position, first.problem.reason)
    }
    const walk = walkFrom(from, index.entry?.key ?? baseOffset)
    await walkTo(handle, walk, { fileEnd: sizeBytes, until: sizeBytes })
    return {
      sizeBytes,
      next: walk.batchEndOffset,
      problems: [...problems, ...ends(segment, walk, from)],
    }
  } finally {
    await handle.close()
  }
}

/** What is wrong with the end of a segment that was walked from `from` on. */
function* ends(
  { file, nextBaseOffset }: SegmentToInspect,
  walk: Walk,
  from: number,
): Generator<SurveyProblem> {
  const { problem, position, batchEnd, offset } = walk
  if (problem !== undefined || batchEnd < position) {
    const isTorn = nextBaseOffset === undefined && (from === 0 || batchEnd > from)
    const reason = problem?.reason ?? 'batch without its last record'
    yield {
      kind: isTorn ? 'torn' : 'damage',
      file,
      position: problem?.position ?? batchEnd,
      reason,
    }
    return
  }
  if (nextBaseOffset === undefined || offset === nextBaseOffset) return
  const reason = `it ends before offset ${offset}, the next segment begins at ${nextBaseOffset}`
  yield { kind: 'damage', file, position, reason }
}

interface LastEntry {
  readonly entry: IndexEntry | undefined
  readonly problem: SurveyProblem | undefined
}

/** The last valid entry of the index. Only a sealed segment's index must be whole: the last one's may lag behind. */
async function lastEntry(fileSystem: FileSystem, segment: SegmentToInspect): Promise<LastEntry> {
  const { file, baseOffset, nextBaseOffset } = segment
  const path = join(dirname(file), segmentFileName(baseOffset, 'index'))
  const bytes = (await readWholeFile(fileSystem, path)) ?? EMPTY
  const valid = validPrefix(bytes)
  const entry = valid === 0 ? undefined : readEntry(bytes, valid - ENTRY_BYTES)
  if (nextBaseOffset === undefined || valid === bytes.length) return { entry, problem: undefined }
  const reason = 'the index holds what is no entry'
  return { entry, problem: { kind: 'index', file: path, position: valid, reason } }
}

/** Walks on until a position is reached, or a problem. */
async function walkTo(
  handle: FileHandle,
  walk: Walk,
  { fileEnd, until }: { readonly fileEnd: number; readonly until: number },
): Promise<void> {
  const blockBytes = until < INDEX_INTERVAL_BYTES ? INDEX_INTERVAL_BYTES : BLOCK_BYTES
  let needed = 0
  while (walk.problem === undefined && walk.position < until) {
    const bytesAt = walk.position
    const bytes = Buffer.allocUnsafe(Math.min(Math.max(blockBytes, needed), fileEnd - bytesAt))
    const count = await handle.read(bytes, bytesAt)
    // A file that is being written or cut may end earlier than it did a moment ago.
    const end = count < bytes.length ? bytesAt + count : fileEnd
    needed = walkRecords(walk, bytes.subarray(0, count), { bytesAt, fileEnd: end })
    if (count === 0) break
  }
}
