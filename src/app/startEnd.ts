/** How a start ends that was called off: in order where it is nearly done, else at once. */
import { EXIT } from '../kernel/exitCodes.ts'
import { systemClock } from '../kernel/systemClock.ts'
import type { RootLogger } from '../observability/index.ts'

/** The rest of the time that a process has to end is for stopping what was started. */
const START_MS_MAX = 4_000

/**
 * Resolves when the start is over, whether or not it succeeded. One that takes long is cut off: the process exits with
 * 0 as if it had crashed before it did anything, which is what the next start recovers from anyway.
 */
export async function startEnded(starting: Promise<unknown>, logger: RootLogger): Promise<void> {
  const timer = systemClock.setTimer(START_MS_MAX, () => {
    logger.warn({}, 'stopped in the middle of its start: the next one begins again')
    process.exit(EXIT.OK)
  })
  await starting.catch(() => undefined)
  timer.cancel()
}
