import type { BenchContext } from '../support/context.ts'
import { pause } from '../support/pause.ts'
import { type Scenario, type Side, valueAtMost } from '../support/scenario.ts'
import type { Server } from '../support/servers.ts'
import { startingFloor, storeForStart, timeStart } from '../support/startTime.ts'

const LOAD_MS = 500

/** Kills the daemon in the middle of a load of raw batches. */
async function killUnderLoad(context: BenchContext, server: Server): Promise<void> {
  const load = context.load<'closed-loop'>({
    kind: 'closed-loop',
    port: server.port,
    serverPid: server.pid,
    format: 'raw',
    batch: 100,
    valueBytes: 100,
    acks: 'leader',
    connections: 8,
    keepTopic: true,
    warmupMs: 0,
    turnMs: 60_000,
  })
  const cut = load.then(
    () => Promise.reject(new Error('the load ended before the kill')),
    () => undefined,
  )
  await pause(LOAD_MS)
  await server.kill()
  await cut
}

async function ours(context: BenchContext): Promise<Side> {
  const stored = await storeForStart(context)
  let { server } = stored
  return async () => {
    await killUnderLoad(context, server)
    const started = await timeStart(context, stored)
    server = started.server
    return { values: { start: started.ms } }
  }
}

export const scenario: Scenario = {
  name: 'start-killed',
  title:
    'Start after kill -9 under load with 1 GiB stored: from the start of the process to the answer with the last record before the load; floor: floor-http',
  unit: 'ms',
  durability: '–',
  bars: [valueAtMost('start', 2_000)],
  floor: startingFloor,
  ours,
}
