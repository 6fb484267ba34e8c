/** The engine as the daemon opens it. */
import { type LogEngine, memoryEngine } from '../../src/log/index.ts'

export const openEngine = async (_directory: string): Promise<LogEngine> =>
  memoryEngine({ clock: (await import('../../src/kernel/systemClock.ts')).systemClock } as never)
