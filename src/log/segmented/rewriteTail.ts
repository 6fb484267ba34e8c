/** Makes sure that what recovery found behind the recovery point can be synced. */
import { MiB } from '../../kernel/units.ts'
import type { Segment } from './segment.ts'
import type { Services } from './services.ts'

const STEP_BYTES = 1 * MiB

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
  for (let at = position; at < sizeBytes; at += STEP_BYTES) {
    const bytes = Buffer.allocUnsafeSlow(Math.min(STEP_BYTES, sizeBytes - at))
    await services.files.use(log, async (handle) => {
      log.dirty = true
      await handle.read(bytes, at)
      await handle.write(bytes, at)
    })
  }
}
