/** Looking at one segment: every record, every index entry, and what is wrong with them. Changes nothing. */
import { dirname, join } from 'node:path'
import { type FileHandle, type FileSystem, readWholeFile } from '../../io/index.ts'
import { MiB } from '../../kernel/units.ts'
import { HEADER_BYTES, recordLength, recordOffset, recordProblem } from '../../record/index.ts'
import { IndexBuilder, NOTHING_INDEXED } from './indexBuilder.ts'
import { ENTRY_BYTES } from './indexEntries.ts'
import { IndexCheck } from './inspectIndex.ts'
import { inspectLanes } from './inspectLanes.ts'
import { type InspectLine, type ProblemLine, recordLine } from './inspectLines.ts'
import { segmentFileName } from './names.ts'
import { passRecord, recordFault, type Walk, walkFrom } from './walk.ts'

const BLOCK_BYTES = 1 * MiB
const EMPTY = Buffer.alloc(0)

export interface SegmentToInspect {
  readonly file: string
  readonly baseOffset: number
  /** Where the next segment begins; undefined for the last one, whose indexes may lag behind. */
  readonly nextBaseOffset: number | undefined
}

interface Inspection {
  readonly file: string
  readonly walk: Walk
  readonly indexer: IndexBuilder
  readonly checks: readonly IndexCheck[]
}

export async function* inspectSegment(
  fileSystem: FileSystem,
  segment: SegmentToInspect,
): AsyncGenerator<InspectLine> {
  const { file, baseOffset, nextBaseOffset } = segment
  const checks = await readIndexes(fileSystem, segment)
  const indexer = new IndexBuilder(baseOffset, NOTHING_INDEXED)
  const inspection = { file, walk: walkFrom(0, baseOffset), indexer, checks }
  const handle = await fileSystem.open(file, { mode: 'read' })
  try {
    const sizeBytes = await handle.size()
    yield { kind: 'segment', file, baseOffset, sizeBytes }
    yield* records(inspection, handle, sizeBytes)
  } finally {
    await handle.close()
  }
  yield* endOf(inspection, nextBaseOffset)
  const block = indexer.take(inspection.walk.offset)
  const isSealed = nextBaseOffset !== undefined
  const wanted = [block?.offsets ?? EMPTY, block?.times ?? EMPTY].map(
    (entries) => entries.length / ENTRY_BYTES,
  )
  for (const [i, check] of checks.entries()) yield* check.lines(isSealed ? wanted[i] : undefined)
  const path = join(dirname(file), segmentFileName(baseOffset, 'laneindex'))
  const bytes = (await readWholeFile(fileSystem, path)) ?? EMPTY
  yield* inspectLanes({
    file: path,
    bytes,
    baseOffset,
    endOffset: inspection.walk.offset,
    turns: block?.turns,
    // An older version's indexes know of no lanes: these are made when somebody asks for them.
    isComplete: isSealed && (bytes.length > 0 || checks.some((check) => check.knowsLanes)),
  })
}

async function readIndexes(
  fileSystem: FileSystem,
  { file, baseOffset }: SegmentToInspect,
): Promise<IndexCheck[]> {
  const checks: IndexCheck[] = []
  for (const kind of ['index', 'timeindex'] as const) {
    const path = join(dirname(file), segmentFileName(baseOffset, kind))
    const bytes = (await readWholeFile(fileSystem, path)) ?? EMPTY
    checks.push(new IndexCheck(kind, path, bytes, baseOffset))
  }
  return checks
}

/** Reads on as long as the headers say where the next record is. */
async function* records(
  inspection: Inspection,
  handle: FileHandle,
  sizeBytes: number,
): AsyncGenerator<InspectLine> {
  const { walk } = inspection
  let needed = 0
  while (walk.position < sizeBytes && walk.problem === undefined) {
    const bytesAt = walk.position
    const size = Math.min(Math.max(BLOCK_BYTES, needed), sizeBytes - bytesAt)
    const bytes = Buffer.allocUnsafeSlow(size)
    const count = await handle.read(bytes, bytesAt)
    const isLast = bytesAt + count >= sizeBytes
    yield* recordsOf(inspection, bytes.subarray(0, count), isLast)
    needed = neededAt(bytes, walk.position - bytesAt)
    if (count === 0) break
  }
}

function* recordsOf(
  inspection: Inspection,
  bytes: Buffer,
  isLast: boolean,
): Generator<InspectLine> {
  const { file, walk, indexer, checks } = inspection
  const bytesAt = walk.position
  for (let at = 0; at < bytes.length; at = walk.position - bytesAt) {
    if (!isLast && !isWholeOrBad(bytes, at)) return
    const position = walk.position
    const reason = recordFault(bytes, at, walk)
    if (reason !== undefined) yield problem(file, position, reason)
    if (recordProblem(bytes, at, bytes.length) !== undefined) {
      walk.problem = { position, reason: reason ?? '' }
      return
    }
    yield recordLine(bytes, at, { file, position })
    walk.offset = recordOffset(bytes, at)
    const mixed = indexer.isMixed
    passRecord(walk, bytes, at, indexer)
    if (reason !== undefined) continue
    const seen = { position, offset: walk.offset - 1, timestampMs: walk.timestampMs, mixed }
    for (const check of checks) check.saw(seen)
  }
}

function* endOf(
  { file, walk }: Inspection,
  nextBaseOffset: number | undefined,
): Generator<ProblemLine> {
  if (walk.problem !== undefined) return
  if (walk.batchEnd < walk.position) {
    yield problem(file, walk.batchEnd, 'batch without its last record')
  }
  if (nextBaseOffset === undefined || walk.offset === nextBaseOffset) return
  const reason = `ends before offset ${walk.offset}, the next segment begins at ${nextBaseOffset}`
  yield problem(file, walk.position, reason)
}

/** False where the record goes on behind `bytes`, as far as one can see. */
function isWholeOrBad(bytes: Buffer, at: number): boolean {
  if (at + HEADER_BYTES > bytes.length) return false
  if (at + recordLength(bytes, at) <= bytes.length) return true
  return recordProblem(bytes, at, Number.MAX_SAFE_INTEGER) !== undefined
}

const neededAt = (bytes: Buffer, at: number): number =>
  at + HEADER_BYTES <= bytes.length ? recordLength(bytes, at) : HEADER_BYTES

const problem = (file: string, position: number, reason: string): ProblemLine => ({
  kind: 'problem',
  file,
  position,
  reason,
  repairable: false,
})
