/**
 * Opening a log: finding its segments and where the last one ends.
 *
 * Index entries are written after the log was synced up to them, so the batch that the last valid entry
 * points into is the recovery point. After an unclean stop:
 *
 *   bad record at or below it     corruption: refused, LOG_CORRUPT naming file and position
 *   bad record behind it          torn tail: cut behind the last whole batch, the cut bytes kept as `.torn`
 *   sealed segment                its end must be whole and meet the next segment; anything else is corruption
 *
 * After a clean stop everything was synced, so anything bad is corruption, and sealed segments are not read.
 * With `verify: 'all'` every record is read in both cases. Indexes that are missing or damaged are made again.
 */
import type { DirectoryEntry } from '../../io/index.ts'
import { isSystemError, TEMPORARY_SUFFIX } from '../../io/index.ts'
import { IndexBuilder } from './indexBuilder.ts'
import type { IndexEntry } from './indexEntries.ts'
import { parseSegmentFileName, type SegmentFileKind } from './names.ts'
import { checkSealed, corruptIfProblem } from './recoverSealed.ts'
import { rewriteTail } from './rewriteTail.ts'
import { scan } from './scan.ts'
import { Segment } from './segment.ts'
import { readTimestamp } from './segmentReader.ts'
import type { Services } from './services.ts'
import { corrupt } from './storageError.ts'
import { cutTornTail } from './tornTail.ts'
import { type Walk, walkFrom } from './walk.ts'

export interface LogLocation {
  /** Below the engine's directory. */
  readonly path: string
  readonly directory: string
  /** The log was closed in order after it was last written. */
  readonly clean: boolean
}

export interface FoundLog {
  readonly segments: Segment[]
  readonly next: number
  /** Everything below is known to be on disk. */
  readonly durable: number
  readonly lastTimestampMs: number
}

/** Finds the log's segments and repairs its tail; begins the log where there is none. */
export async function recover(services: Services, location: LogLocation): Promise<FoundLog> {
  let segments = await findSegments(services, location)
  if (segments.length === 0) return begin(services, location)
  if (!location.clean && (await dropLeftover(services, location, segments))) {
    segments = await findSegments(services, location)
  }
  for (const [i, segment] of segments.entries()) {
    const following = segments[i + 1]
    if (following !== undefined) {
      await checkSealed(services, segment, { nextOffset: following.baseOffset, ...location })
    }
  }
  const active = segments[segments.length - 1] as Segment
  const durable = await openActive(services, location, active)
  const lastTimestampMs =
    active.newestTimestampMs ?? (await newestBefore(services, segments.at(-2)))
  return { segments, next: active.nextOffset, durable, lastTimestampMs }
}

/**
 * Removes an empty last segment where the one before it goes on behind its beginning: it was begun and taken
 * back when the disk refused, but the crash undid its removal. True where it did.
 */
async function dropLeftover(
  services: Services,
  location: LogLocation,
  segments: readonly Segment[],
): Promise<boolean> {
  const [previous, last] = segments.slice(-2)
  if (previous === undefined || last === undefined) return false
  last.activate()
  if ((await services.files.sizeOf(last.log)) > 0) return false
  const probed = new Segment(services, location.directory, previous.baseOffset)
  await openActive(services, location, probed)
  await services.files.use(probed.log, (handle) => handle.datasync())
  await probed.close()
  if (probed.nextOffset <= last.baseOffset) return false
  await last.close()
  await services.fileSystem.remove(last.log.path)
  await services.fileSystem.syncDirectory(location.directory)
  return true
}

/** A log with nothing in it: its files are made when they are written. */
function begin(services: Services, { directory }: LogLocation): FoundLog {
  const segment = new Segment(services, directory, 0)
  segment.begin()
  return { segments: [segment], next: 0, durable: 0, lastTimestampMs: 0 }
}

const newestBefore = async (services: Services, segment: Segment | undefined): Promise<number> =>
  segment === undefined ? 0 : await readTimestamp(services, segment, segment.nextOffset - 1)

/** The log's segments in order. Removes what a crash left of removed and rewritten files. */
async function findSegments(services: Services, location: LogLocation): Promise<Segment[]> {
  const entries = await listOrMake(services, location)
  const kindsOf = segmentFilesOf(entries)
  for (const { name } of entries) {
    const parsed = parseSegmentFileName(name)
    const isOrphan = parsed !== undefined && !kindsOf.get(parsed.baseOffset)?.has('log')
    if (!isOrphan && !name.endsWith(TEMPORARY_SUFFIX)) continue
    await services.fileSystem.remove(`${location.directory}/${name}`)
  }
  const segments: Segment[] = []
  for (const [baseOffset, kinds] of kindsOf) {
    if (!kinds.has('log')) continue
    const segment = new Segment(services, location.directory, baseOffset)
    segment.knowFiles(kinds)
    segments.push(segment)
  }
  return segments.sort((a, b) => a.baseOffset - b.baseOffset)
}

/** For each base offset, which of its files there are. */
function segmentFilesOf(entries: readonly DirectoryEntry[]): Map<number, Set<SegmentFileKind>> {
  const kindsOf = new Map<number, Set<SegmentFileKind>>()
  for (const { name } of entries) {
    const parsed = parseSegmentFileName(name)
    if (parsed === undefined) continue
    const kinds = kindsOf.get(parsed.baseOffset)
    if (kinds === undefined) kindsOf.set(parsed.baseOffset, new Set([parsed.kind]))
    else kinds.add(parsed.kind)
  }
  return kindsOf
}

async function listOrMake(
  services: Services,
  { path, directory }: LogLocation,
): Promise<readonly DirectoryEntry[]> {
  try {
    return await services.fileSystem.list(directory)
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error
    await services.directories.make(path)
    return []
  }
}

/** Finds where the active segment ends, and cuts it there. Returns the offset below which all is on disk. */
async function openActive(
  services: Services,
  { clean }: LogLocation,
  segment: Segment,
): Promise<number> {
  segment.activate()
  const size = await services.files.sizeOf(segment.log)
  const entry = await segment.recoverEntry(clean)
  if (entry !== undefined && entry.value >= size) {
    throw corrupt(segment.log.path, size, `ends before ${entry.value}, up to where it was synced`)
  }
  const isIndexed = entry !== undefined && services.options.verify !== 'all'
  if (!isIndexed || !(await segment.lanes.recover(entry))) segment.begin()
  let found = await scanActive(services, segment, size, entry)
  if (segment.lanes.endOffset > found.walk.batchEndOffset) {
    // Lanes of records that are no more.
    segment.begin()
    found = await scanActive(services, segment, size, entry)
  }
  const { walk } = found
  const synced = clean ? size - 1 : (entry?.value ?? -1)
  if (walk.batchEnd <= synced) corruptIfProblem(segment, walk)
  segment.sizeBytes = walk.batchEnd
  segment.nextOffset = walk.batchEndOffset
  segment.newestTimestampMs = walk.batchEnd > 0 ? walk.batchEndTimestampMs : undefined
  takeIndex(segment, found)
  if (walk.problem !== undefined) await cutTornTail(services, segment, size, walk.problem)
  if (clean) return segment.nextOffset
  await rewriteTail(services, segment, entry?.value ?? 0)
  return entry?.key ?? segment.baseOffset
}

/** Walks to the end of the active segment, from its last index entry where not all is to be indexed again. */
async function scanActive(
  services: Services,
  segment: Segment,
  size: number,
  entry: IndexEntry | undefined,
): Promise<ActiveScan> {
  const { position } = segment.indexedTo
  const offset = position === 0 ? segment.baseOffset : (entry?.key ?? segment.baseOffset)
  const walk = walkFrom(position, offset)
  const indexer = new IndexBuilder(segment.baseOffset, segment.indexedTo)
  await scan(services, segment, { walk, fileEnd: size, indexer })
  return { walk, indexer }
}

interface ActiveScan {
  readonly walk: Walk
  readonly indexer: IndexBuilder
}

/** Takes over what the scan found beyond what was indexed. */
function takeIndex(segment: Segment, { walk, indexer }: ActiveScan): void {
  const block = indexer.take(walk.batchEndOffset)
  segment.lanes.extend(block?.turns, walk.batchEndOffset)
  segment.indexedTo = indexer.indexedWith(block)
  if (block !== undefined) segment.addIndexBlock(block, segment.indexedTo)
}
