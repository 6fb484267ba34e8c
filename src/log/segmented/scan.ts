/** Reading a segment from some position to its end, checked, in steps that leave the event loop its turns. */

import type { FileHandle } from '../../io/index.ts'
import { MiB } from '../../kernel/units.ts'
import type { IndexBuilder } from './indexBuilder.ts'
import { type Walk, walkRecords } from './walk.ts'

/** Read and checked at once: about 3 ms of checksums. */
const STEP_BYTES = 1 * MiB

/**
 * Walks on to `fileEnd`; afterwards `walk` says how far the records are whole and what is wrong behind them:
 * a batch without its last record is a problem too.
 */
export async function scan(
  handle: FileHandle,
  walk: Walk,
  fileEnd: number,
  indexer?: IndexBuilder,
): Promise<void> {
  let needed = 0
  while (walk.problem === undefined && walk.position < fileEnd) {
    const bytesAt = walk.position
    const size = Math.min(Math.max(STEP_BYTES, needed), fileEnd - bytesAt)
    const bytes = Buffer.allocUnsafeSlow(size)
    const count = await handle.read(bytes, bytesAt)
    const place = { bytesAt, fileEnd: count < size ? bytesAt + count : fileEnd }
    needed = walkRecords(walk, bytes.subarray(0, count), place, indexer)
    if (count < size && walk.problem === undefined) {
      walk.problem = { position: walk.position, reason: 'the file ends here' }
    }
  }
  if (walk.problem === undefined && walk.batchEnd < walk.position) {
    walk.problem = { position: walk.batchEnd, reason: 'batch without its last record' }
  }
}
