/**
 * Finding out whether a sealed segment is plain, without reading it: either its `.laneindex` says what it holds, or
 * the last entry of its offset index and the few records behind that say that all are normal. Anything else is
 * made again from the records.
 */
import { NORMAL_PRIORITY } from '../../kernel/priority.ts'
import {
  HEADER_BYTES,
  recordLength,
  recordOffset,
  recordPriority,
  recordProblem,
} from '../../record/index.ts'
import { INDEX_INTERVAL_BYTES } from './indexEntries.ts'
import type { LogState } from './logState.ts'
import { rebuildIndexes } from './rebuild.ts'
import type { Segment } from './segment.ts'
import type { Services } from './services.ts'

/** Segments looked at together. */
const CONCURRENCY = 8

/** Looks at every segment from the one of `from` on that nobody looked at. */
export async function learnLanes(state: LogState, from: number): Promise<void> {
  const unknown = state.segments
    .slice(state.segmentIndex(from))
    .filter((segment) => !segment.lanes.isKnown)
  if (unknown.length === 0) return
  let next = 0
  const work = async (): Promise<void> => {
    while (next < unknown.length) {
      const segment = unknown[next] as Segment
      next += 1
      await segment.learnOnce(() => learn(state.services, segment))
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, work))
  state.findPlainFrom()
}

async function learn(services: Services, segment: Segment): Promise<void> {
  const { lanes, baseOffset, nextOffset } = segment
  const directory = await lanes.file.readDirectory({ from: baseOffset, to: nextOffset })
  if (lanes.isKnown) return
  if (directory !== undefined) lanes.adopt(directory)
  else if (await isPlain(services, segment)) lanes.begin(nextOffset)
  else await rebuildIndexes(services, segment)
}

/** True where the index says so; false where it says otherwise, or nothing. */
async function isPlain(services: Services, segment: Segment): Promise<boolean> {
  const entry = await segment.offsets.recoverEnd()
  if (entry !== undefined && entry.mixed !== false) return false
  const position = entry?.value ?? 0
  const size = Math.min(segment.sizeBytes - position, INDEX_INTERVAL_BYTES + HEADER_BYTES)
  if (size <= 0) return false
  const bytes = Buffer.allocUnsafeSlow(size)
  const count = await services.files.use(segment.log, (handle) => handle.read(bytes, position))
  const headers = bytes.subarray(0, count)
  let offset = entry?.key ?? segment.baseOffset
  let at = 0
  for (; at < INDEX_INTERVAL_BYTES && offset < segment.nextOffset; offset += 1) {
    if (!isHeaderOf(headers, at, offset)) return false
    if (recordPriority(headers, at) !== NORMAL_PRIORITY) return false
    at += recordLength(headers, at)
  }
  return offset === segment.nextOffset && position + at === segment.sizeBytes
}

function isHeaderOf(bytes: Buffer, at: number, offset: number): boolean {
  if (at + HEADER_BYTES > bytes.length) return false
  const problem = recordProblem(bytes, at, bytes.length)
  return (problem === undefined || problem === 'torn record') && recordOffset(bytes, at) === offset
}
