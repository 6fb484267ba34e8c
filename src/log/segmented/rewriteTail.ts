/** Makes sure that what recovery found behind the recovery point can be synced. */
import { SCRATCH_BYTES } from './scratch.ts'
import type { Segment } from './segment.ts'
import type { Services } from './services.ts'

/**
 * Writes the bytes from `position` to the segment's end over themselves.
 *
 * When an fdatasync fails, the system may hold the pages for clean though they never reached the disk: reading
 * them back then works, and a later fdatasync succeeds without writing them. Written again they are dirty
 * again, and the next sync either brings them to the disk or fails.
 */
export async function rewriteTail(
  services: Services,
  segment: Segment,
  position: number,
): Promise<void> {
  const { log, sizeBytes } = segment
  for (let at = position; at < sizeBytes; at += SCRATCH_BYTES) {
    const size = Math.min(SCRATCH_BYTES, sizeBytes - at)
    await services.scratch.use(size, (block) =>
      services.files.use(log, async (handle) => {
        log.dirty = true
        const count = await handle.read(block.subarray(0, size), at)
        await handle.write(block.subarray(0, count), at)
      }),
    )
  }
}
