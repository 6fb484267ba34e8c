/**
 * Looking at what lies on disk, without an engine and without changing anything: the ground of `goqueue dump`.
 * A directory in use may be looked at; its last batch can then appear unfinished.
 */
import { basename, dirname, join } from 'node:path'
import type { FileSystem } from '../../io/index.ts'
import { BrokerError } from '../../kernel/errors.ts'
import type { InspectLine, SummaryLine } from './inspectLines.ts'
import { inspectSegment, type SegmentToInspect } from './inspectSegment.ts'
import { parseSegmentFileName, segmentFileName } from './names.ts'
import { storageError } from './storageError.ts'

/**
 * All records and index entries of a segment (named by its `.log` or one of its indexes) or of all segments
 * below a directory, in order, each checked; problems stand where they were found, a summary at the end.
 * Rejects with INVALID_REQUEST where `path` is neither, with STORAGE_ERROR where it cannot be read.
 */
export async function* inspect(fileSystem: FileSystem, path: string): AsyncGenerator<InspectLine> {
  const total = { segments: 0, records: 0, indexEntries: 0, problems: 0 }
  try {
    for await (const segment of segmentsAt(fileSystem, path)) {
      for await (const line of inspectSegment(fileSystem, segment)) {
        count(total, line)
        yield line
      }
    }
  } catch (error) {
    throw storageError(error, `inspect ${path}`)
  }
  yield { kind: 'summary', ...total }
}

type Total = { -readonly [K in Exclude<keyof SummaryLine, 'kind'>]: SummaryLine[K] }

function count(total: Total, line: InspectLine): void {
  if (line.kind === 'segment') total.segments += 1
  else if (line.kind === 'record') total.records += 1
  else if (line.kind === 'problem') total.problems += 1
  else total.indexEntries += 1
}

/** The segments that `path` names, those of one log in order. */
export async function* segmentsAt(
  fileSystem: FileSystem,
  path: string,
): AsyncGenerator<SegmentToInspect> {
  const named = parseSegmentFileName(basename(path))
  if (named !== undefined) {
    const file = join(dirname(path), segmentFileName(named.baseOffset, 'log'))
    const all = await segmentsOf(fileSystem, dirname(path))
    yield* all.filter((segment) => segment.file === file)
    return
  }
  let found = false
  for await (const directory of directoriesBelow(fileSystem, path)) {
    for (const segment of await segmentsOf(fileSystem, directory)) {
      found = true
      yield segment
    }
  }
  if (!found) {
    throw new BrokerError('INVALID_REQUEST', `${path} is no segment and holds none`)
  }
}

/** `path` and the directories in it, at any depth, in order. */
export async function* directoriesBelow(
  fileSystem: FileSystem,
  path: string,
): AsyncGenerator<string> {
  yield path
  for (const entry of await fileSystem.list(path)) {
    if (entry.isDirectory) yield* directoriesBelow(fileSystem, join(path, entry.name))
  }
}

/** The segments that lie in one directory, in order. */
export async function segmentsOf(
  fileSystem: FileSystem,
  directory: string,
): Promise<SegmentToInspect[]> {
  const entries = await fileSystem.list(directory)
  const bases = entries
    .map((entry) => parseSegmentFileName(entry.name))
    .filter((parsed) => parsed?.kind === 'log')
    .map((parsed) => parsed?.baseOffset ?? 0)
  return bases.map((baseOffset, i) => ({
    file: join(directory, segmentFileName(baseOffset, 'log')),
    baseOffset,
    nextBaseOffset: bases[i + 1],
  }))
}
