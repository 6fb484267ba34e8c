import type { BenchContext } from '../support/context.ts'
import { type Scenario, type Side, valueAtMost } from '../support/scenario.ts'
import { startingFloor, storeForStart, timeStart } from '../support/startTime.ts'

async function ours(context: BenchContext): Promise<Side> {
  const stored = await storeForStart(context)
  await stored.server.stop()
  return async () => {
    const { ms, server } = await timeStart(context, stored)
    await server.stop()
    return { values: { start: ms } }
  }
}

export const scenario: Scenario = {
  name: 'start-clean',
  title:
    'Start after a clean stop with 1 GiB stored: from the start of the process to the answer with the last record; floor: floor-http',
  unit: 'ms',
  durability: '–',
  bars: [valueAtMost('start', 1_000)],
  floor: startingFloor,
  ours,
}
