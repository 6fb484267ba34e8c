/** Reading a segment from some position to its end, checked, in steps that leave the event loop its turns. */
import type { IndexBuilder } from './indexBuilder.ts'
import { SCRATCH_BYTES } from './scratch.ts'
import type { Segment } from './segment.ts'
import type { Services } from './services.ts'
import { type Walk, walkRecords } from './walk.ts'

/**
 * Walks on to `fileEnd`; afterwards `walk` says how far the records are whole and what is wrong behind them:
 * a batch without its last record is a problem too.
 */
export async function scan(
  services: Services,
  segment: Segment,
  { walk, fileEnd, indexer }: ScanTask,
): Promise<void> {
  let needed = 0
  while (walk.problem === undefined && walk.position < fileEnd) {
    const bytesAt = walk.position
    const size = Math.min(Math.max(SCRATCH_BYTES, needed), fileEnd - bytesAt)
    await services.scratch.use(size, async (block) => {
      const bytes = block.subarray(0, size)
      const count = await services.files.use(segment.log, (handle) => handle.read(bytes, bytesAt))
      const place = { bytesAt, fileEnd: count < size ? bytesAt + count : fileEnd }
      needed = walkRecords(walk, bytes.subarray(0, count), place, indexer)
      if (count < size && walk.problem === undefined) {
        walk.problem = { position: walk.position, reason: 'the file ends here' }
      }
    })
  }
  if (walk.problem === undefined && walk.batchEnd < walk.position) {
    walk.problem = { position: walk.batchEnd, reason: 'batch without its last record' }
  }
}

export interface ScanTask {
  readonly walk: Walk
  readonly fileEnd: number
  /** Is told of the records that pass. */
  readonly indexer?: IndexBuilder
}
