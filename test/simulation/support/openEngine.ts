/** The engine under test, on a simulated disk. */
import { silentLogger } from '../../../src/kernel/platform.ts'
import { type LogEngine, openSegmentedEngine } from '../../../src/log/index.ts'
import type { FakeClock } from '../../support/fakeClock.ts'
import type { SeededRandom } from '../../support/random.ts'
import type { SimulatedDisk } from '../../support/simulatedDisk.ts'

export const DATA_DIRECTORY = '/var/goqueue'

export async function openEngine(
  disk: SimulatedDisk,
  clock: FakeClock,
  random: SeededRandom,
): Promise<LogEngine> {
  return await openSegmentedEngine({
    directory: DATA_DIRECTORY,
    fileSystem: disk.mount(),
    platform: { clock, random: random.next, logger: silentLogger },
  })
}
