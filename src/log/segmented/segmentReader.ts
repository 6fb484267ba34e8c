/**
 * Reading records from a segment's files: one lookup in the index, one read of the log, the rest in memory.
 *
 * What was read is checked as it is passed: form and offsets, not the checksums, which the reader of the
 * records verifies. An index that lies (damaged, pointing at something else, ending too early) is rebuilt
 * once, which reads the whole segment; what is then still wrong is the log's, and it is corrupt.
 */
import { KiB } from '../../kernel/units.ts'
import {
  HEADER_BYTES,
  recordLength,
  recordOffset,
  recordProblem,
  recordTimestampMs,
  usualLength,
} from '../../record/index.ts'
import type { ReadLimit } from '../port.ts'
import { INDEX_INTERVAL_BYTES } from './indexEntries.ts'
import { rebuildIndexes } from './rebuild.ts'
import type { Segment } from './segment.ts'
import type { Services } from './services.ts'
import { corrupt } from './storageError.ts'

/** Read at least: a few pages cost what one does. */
const READ_BYTES_MIN = 16 * KiB

export interface SegmentRead {
  readonly bytes: Buffer
  readonly nextOffset: number
}

/** A record's place in bytes that were read: `at` in `bytes`, which lie at `position` in the file. */
interface Place {
  readonly bytes: Buffer
  readonly position: number
  readonly at: number
}

/** Records from `from` on, which the segment holds. Rejects with LOG_CORRUPT naming file and position. */
export async function readSegment(
  services: Services,
  segment: Segment,
  from: number,
  limit: ReadLimit,
): Promise<SegmentRead> {
  const { into } = limit
  const place = await locate(services, segment, from, { size: bytesWanted(segment, limit), into })
  const found = collect(segment, place, from, limit)
  if (found.nextOffset > from) return found
  // The first record is longer than what was read.
  const position = place.position + place.at
  const size = recordLength(place.bytes, place.at)
  const whole = await readBytes(services, segment, position, { size, into })
  return collect(segment, { bytes: whole, position, at: 0 }, from, limit)
}

/** The time of the record with `offset`, which the segment holds. */
export async function readTimestamp(
  services: Services,
  segment: Segment,
  offset: number,
): Promise<number> {
  const { bytes, at } = await locate(services, segment, offset, { size: HEADER_BYTES })
  return recordTimestampMs(bytes, at)
}

/** How much to read, and where to, if there is room for it. */
interface Extent {
  readonly size: number
  readonly into?: Buffer | undefined
}

/** Where the record with `from` is, with at least `size` bytes where there are. */
async function locate(
  services: Services,
  segment: Segment,
  from: number,
  extent: Extent,
): Promise<Place> {
  const place = await locateByIndex(services, segment, from, extent)
  if (place !== undefined) return place
  await rebuildIndexes(services, segment)
  const again = await locateByIndex(services, segment, from, extent)
  if (again !== undefined) return again
  throw corrupt(segment.log.path, 0, `record ${from} is not where the index says`)
}

/** The same; undefined where the index lies. */
async function locateByIndex(
  services: Services,
  segment: Segment,
  from: number,
  { size, into }: Extent,
): Promise<Place | undefined> {
  const entry = await segment.offsets.floor(from)
  if (entry === 'damaged') return undefined
  const position = entry?.value ?? 0
  // The record begins within the interval behind its entry, or there would be another entry.
  const behind = size + INDEX_INTERVAL_BYTES + HEADER_BYTES
  const bytes = await readBytes(services, segment, position, { size: behind, into })
  let offset = entry?.key ?? segment.baseOffset
  let at = 0
  for (; offset < from; offset += 1) {
    const problem = formProblem(bytes, at, offset)
    if (problem !== undefined && entry !== undefined && at === 0) return undefined
    if (problem !== undefined) throw corrupt(segment.log.path, position + at, problem)
    at += recordLength(bytes, at)
    if (at >= INDEX_INTERVAL_BYTES) return undefined
  }
  const problem = formProblem(bytes, at, offset)
  if (problem === undefined) return { bytes, position, at }
  if (entry !== undefined && at === 0) return undefined
  throw corrupt(segment.log.path, position + at, problem)
}

/** What is wrong with the header at `at`; the record behind it need not be whole. */
function formProblem(bytes: Buffer, at: number, offset: number): string | undefined {
  if (at + HEADER_BYTES > bytes.length) return 'torn record header'
  const problem = recordProblem(bytes, at, bytes.length)
  if (problem !== undefined && problem !== 'torn record') return problem
  const found = recordOffset(bytes, at)
  return found === offset ? undefined : `offset ${found} where ${offset} belongs`
}

/** The whole records of `place.bytes` from `from` on that `limit` allows; none where the first is not whole. */
function collect(segment: Segment, place: Place, from: number, limit: ReadLimit): SegmentRead {
  const { bytes, position, at: start } = place
  const endOffset = Math.min(segment.nextOffset, from + limit.maxRecords)
  let offset = from
  let at = start
  while (offset < endOffset && at + HEADER_BYTES <= bytes.length) {
    let length = usualLength(bytes, at, offset)
    if (length === 0) {
      const problem = formProblem(bytes, at, offset)
      if (problem !== undefined) throw corrupt(segment.log.path, position + at, problem)
      length = recordLength(bytes, at)
    }
    const end = at + length
    if (end > bytes.length || (end - start > limit.maxBytes && at > start)) break
    at = end
    offset += 1
  }
  return { bytes: bytes.subarray(start, at), nextOffset: offset }
}

/** A guess of the bytes that `limit` allows, so that one record is not paid with megabytes. */
function bytesWanted(segment: Segment, limit: ReadLimit): number {
  const records = Math.max(1, segment.nextOffset - segment.baseOffset)
  const guess = Math.ceil(segment.sizeBytes / records) * 2 * limit.maxRecords
  return Math.min(limit.maxBytes, Math.max(READ_BYTES_MIN, guess))
}

/** Up to `size` bytes, fewer at the end of the segment's readable records. */
async function readBytes(
  services: Services,
  segment: Segment,
  position: number,
  { size, into }: Extent,
): Promise<Buffer> {
  const length = Math.max(0, Math.min(size, segment.sizeBytes - position))
  const isRoom = into !== undefined && into.length >= length
  const bytes = isRoom ? into.subarray(0, length) : Buffer.allocUnsafeSlow(length)
  const count = await services.files.use(segment.log, (handle) => handle.read(bytes, position))
  if (count < bytes.length) {
    throw corrupt(segment.log.path, position + count, 'the file ends before its records do')
  }
  return bytes
}
