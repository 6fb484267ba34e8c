/** Cutting off what a crash left half-written. Nothing is thrown away: the cut bytes go to a file beside. */
import { dirname, join } from 'node:path'
import { tornFileName } from './names.ts'
import { SCRATCH_BYTES } from './scratch.ts'
import type { Segment } from './segment.ts'
import type { Services } from './services.ts'
import type { Problem } from './walk.ts'

/**
 * Cuts the segment's file of `fileBytes` bytes behind its last whole batch. The copy is on disk before the
 * cut is made, so that a crash between them repeats both.
 */
export async function cutTornTail(
  services: Services,
  segment: Segment,
  fileBytes: number,
  problem: Problem,
): Promise<void> {
  const { sizeBytes: cutAt, log } = segment
  const torn = join(dirname(log.path), tornFileName(segment.baseOffset, cutAt))
  const copy = await services.fileSystem.open(torn, { mode: 'create' })
  try {
    await copy.truncate(0)
    for (let at = cutAt; at < fileBytes; at += SCRATCH_BYTES) {
      const size = Math.min(SCRATCH_BYTES, fileBytes - at)
      await services.scratch.use(size, async (block) => {
        const bytes = block.subarray(0, size)
        const count = await services.files.use(log, (handle) => handle.read(bytes, at))
        await copy.write(bytes.subarray(0, count), at - cutAt)
      })
    }
    await copy.datasync()
  } finally {
    await copy.close()
  }
  await services.fileSystem.syncDirectory(dirname(torn))
  await services.files.use(log, async (handle) => {
    await handle.truncate(cutAt)
    await handle.datasync()
  })
  services.platform.logger.warn(
    {
      file: log.path,
      position: cutAt,
      cutBytes: fileBytes - cutAt,
      kept: torn,
      reason: problem.reason,
    },
    'torn tail cut off',
  )
}
