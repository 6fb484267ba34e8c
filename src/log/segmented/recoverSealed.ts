/** Looking at a sealed segment when its log is opened. */
import { IndexBuilder } from './indexBuilder.ts'
import { indexOf } from './rebuild.ts'
import { scan } from './scan.ts'
import type { Segment } from './segment.ts'
import type { Services } from './services.ts'
import { corrupt } from './storageError.ts'
import { type Walk, walkFrom } from './walk.ts'

export interface SealedPlace {
  /** Where the next segment begins. */
  readonly nextOffset: number
  readonly clean: boolean
}

/**
 * Learns the segment's size; reads its end after an unclean stop, all of it where that is asked for. Rejects
 * with LOG_CORRUPT naming file and position.
 */
export async function checkSealed(
  services: Services,
  segment: Segment,
  { nextOffset, clean }: SealedPlace,
): Promise<void> {
  segment.sizeBytes = await services.files.sizeOf(segment.log)
  segment.nextOffset = nextOffset
  if (segment.sizeBytes === 0) throw corrupt(segment.log.path, 0, 'sealed segment without records')
  if (services.options.verify === 'all') await checkWhole(services, segment)
  else if (!clean && !(await checkEnd(services, segment))) await checkWhole(services, segment)
}

/** Throws LOG_CORRUPT where the walk met a problem. */
export function corruptIfProblem(segment: Segment, walk: Walk): void {
  if (walk.problem === undefined) return
  throw corrupt(segment.log.path, walk.problem.position, walk.problem.reason)
}

/** Walks over what is behind the last index entry. False where the index does not reach that far. */
async function checkEnd(services: Services, segment: Segment): Promise<boolean> {
  const entry = await segment.offsets.recoverEnd()
  const from = entry?.value ?? 0
  if (from >= segment.sizeBytes) return false
  const mixed = entry === undefined ? false : entry.mixed
  const indexer = new IndexBuilder(segment.baseOffset, {
    position: from,
    timestampMs: -1,
    mixed: mixed === true,
  })
  const walk = walkFrom(from, entry?.key ?? segment.baseOffset)
  await scan(services, segment, { walk, fileEnd: segment.sizeBytes, indexer })
  checkMeetsNext(segment, walk)
  const block = indexer.take(walk.offset)
  if (block !== undefined && block.offsets.length > 0) return false
  if (mixed === false && block === undefined) segment.lanes.begin(segment.nextOffset)
  return true
}

/** Reads every record, and makes the indexes again where they differ from what they say. */
async function checkWhole(services: Services, segment: Segment): Promise<void> {
  const { walk, block } = await indexOf(services, segment)
  checkMeetsNext(segment, walk)
  if (await segment.replaceIndexes(block, walk.batchEndOffset)) {
    services.platform.logger.warn({ file: segment.offsets.file.path }, 'index rebuilt')
  }
}

function checkMeetsNext(segment: Segment, walk: Walk): void {
  corruptIfProblem(segment, walk)
  if (walk.offset === segment.nextOffset) return
  const reason = `ends before offset ${walk.offset}, the next segment begins at ${segment.nextOffset}`
  throw corrupt(segment.log.path, walk.position, reason)
}
