/** Finding records by time: the segment by its newest record, the place in it by the time index. */
import { MiB, type Offset, type TimestampMs } from '../../kernel/units.ts'
import { recordLength, recordTimestampMs } from '../../record/index.ts'
import type { OffsetAtTime } from '../port.ts'
import { INDEX_INTERVAL_BYTES } from './indexEntries.ts'
import type { LogState } from './logState.ts'
import { rebuildIndexes } from './rebuild.ts'
import type { Segment } from './segment.ts'
import { readSegment, readTimestamp } from './segmentReader.ts'
import type { Services } from './services.ts'

const STEP = { maxBytes: MiB / 4, maxRecords: Number.MAX_SAFE_INTEGER }

/** The first record at or after `timestampMs`; undefined where all are older. */
export async function offsetAtTime(
  { services, segments: list, next }: LogState,
  timestampMs: number,
): Promise<OffsetAtTime | undefined> {
  const segments = list.filter((segment) => segment.nextOffset > segment.baseOffset)
  let low = 0
  let high = segments.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const newestMs = await newestTimestampMs(services, segments[middle] as Segment)
    if (newestMs < timestampMs) low = middle + 1
    else high = middle
  }
  const segment = segments[low]
  return segment === undefined ? undefined : await findIn(services, segment, timestampMs, next)
}

/** Time of the last record of a segment that has one. */
export async function newestTimestampMs(services: Services, segment: Segment): Promise<number> {
  segment.newestTimestampMs ??= await readTimestamp(services, segment, segment.nextOffset - 1)
  return segment.newestTimestampMs
}

async function findIn(
  services: Services,
  segment: Segment,
  timestampMs: number,
  next: number,
): Promise<OffsetAtTime | undefined> {
  let from = segment.baseOffset + (await startOfSearch(services, segment, timestampMs))
  while (from < Math.min(next, segment.nextOffset)) {
    const { bytes, nextOffset } = await readSegment(services, segment, from, STEP)
    for (let at = 0; at < bytes.length; at += recordLength(bytes, at)) {
      const found = recordTimestampMs(bytes, at)
      if (found >= timestampMs) {
        return { offset: from as Offset, timestampMs: found as TimestampMs }
      }
      from += 1
    }
    from = nextOffset
  }
  return undefined
}

/** The offset, less the segment's base, of a record older than `timestampMs` with few behind it. */
async function startOfSearch(
  services: Services,
  segment: Segment,
  timestampMs: number,
): Promise<number> {
  const older = Math.ceil(timestampMs) - 1
  const { times } = segment
  const missing = segment.sizeBytes > 2 * INDEX_INTERVAL_BYTES && (await times.isEmpty())
  const entry = missing ? 'damaged' : await times.floor(older)
  if (entry !== 'damaged') return entry?.value ?? 0
  await rebuildIndexes(services, segment)
  const again = await segment.times.floor(older)
  return again === 'damaged' ? 0 : (again?.value ?? 0)
}
