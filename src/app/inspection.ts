/** What lies on this machine's disk, looked at without a broker. */
import { nodeFileSystem } from '../io/index.ts'
import { silentLogger } from '../kernel/platform.ts'
import { systemClock } from '../kernel/systemClock.ts'
import {
  type InspectLine,
  inspect,
  type ProblemLine,
  type RepairedLine,
  repair,
} from '../log/index.ts'
import { readFailure } from './readFailure.ts'

/** Every record and index entry at `path`, each checked, a summary at the end. */
export async function* inspectPath(path: string): AsyncGenerator<InspectLine> {
  try {
    yield* inspect(nodeFileSystem, path)
  } catch (error) {
    throw readFailure(error, path)
  }
}

/** Makes every index at `path` again; records are never touched. Rejects with DATA_DIR_LOCKED while a broker runs. */
export const repairPath = (path: string): AsyncGenerator<RepairedLine | ProblemLine> =>
  repair({
    fileSystem: nodeFileSystem,
    platform: { clock: systemClock, random: Math.random, logger: silentLogger },
    path,
  })
