/** The segmented engine as the daemon opens it, with the machine's own disk and clock. */
import { nodeFileSystem } from '../../src/io/index.ts'
import { silentLogger } from '../../src/kernel/platform.ts'
import { systemClock } from '../../src/kernel/systemClock.ts'
import { type LogEngine, openSegmentedEngine } from '../../src/log/index.ts'

export const openEngine = (directory: string): Promise<LogEngine> =>
  openSegmentedEngine({
    directory,
    fileSystem: nodeFileSystem,
    platform: { clock: systemClock, random: Math.random, logger: silentLogger },
  })
