/** Making a segment's indexes again from its records. */
import { BrokerError } from '../../kernel/errors.ts'
import { type IndexBlock, IndexBuilder, NOTHING_INDEXED } from './indexBuilder.ts'
import { scan } from './scan.ts'
import type { Segment } from './segment.ts'
import type { Services } from './services.ts'
import { corrupt } from './storageError.ts'
import { type Walk, walkFrom } from './walk.ts'

/**
 * Replaces the index files of a segment by what its records say; entries still in memory stay there. Rejects
 * with LOG_CORRUPT where the records are not whole.
 */
export async function rebuildIndexes(services: Services, segment: Segment): Promise<void> {
  await segment.exclusively(async () => {
    // Its files may be gone: they must not come back.
    if (segment.removed) throw new BrokerError('LOG_CLOSED', `${segment.log.path} is removed`)
    const { walk, block } = await indexOf(services, segment)
    if (walk.problem !== undefined) {
      throw corrupt(segment.log.path, walk.problem.position, walk.problem.reason)
    }
    if (await segment.replaceIndexes(block, walk.batchEndOffset)) {
      services.platform.logger.warn({ file: segment.offsets.file.path }, 'index rebuilt')
    }
  })
}

export interface SegmentIndex {
  readonly walk: Walk
  readonly block: IndexBlock | undefined
}

/** Reads all records of the segment and makes the index entries that belong to them. */
export async function indexOf(services: Services, segment: Segment): Promise<SegmentIndex> {
  const indexer = new IndexBuilder(segment.baseOffset, NOTHING_INDEXED)
  const walk = walkFrom(0, segment.baseOffset)
  await scan(services, segment, { walk, fileEnd: segment.sizeBytes, indexer })
  return { walk, block: indexer.take(walk.batchEndOffset) }
}
