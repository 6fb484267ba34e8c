/** Sides over HTTP: a floor server or the daemon with a fresh directory, and a job of the client for each turn. */

import type { ClosedLoopJob } from '../load/closedLoop.ts'
import type { OpenLoopJob } from '../load/openLoop.ts'
import type { PublishShape } from '../load/requests.ts'
import type { BenchContext } from './context.ts'
import { latencySample } from './latency.ts'
import type { Sample, Side } from './scenario.ts'
import type { Server } from './servers.ts'
import { twoDigits } from './statistics.ts'

export type ServerKind = 'floor' | 'ours'

export function startHttp(
  context: BenchContext,
  kind: ServerKind,
  floorFlags: readonly string[] = [],
): Promise<Server> {
  const directory = context.directory(kind)
  return kind === 'floor'
    ? context.floor('http', directory, ...floorFlags)
    : context.daemon({ directory })
}

export interface PublishScenario extends PublishShape {
  readonly connections: number
}

/** Closed-loop publishing; `rate` in records/s, `p50` and `p99` of a request in ms as notes or metrics. */
export async function publishing(
  context: BenchContext,
  kind: ServerKind,
  shape: PublishScenario,
  metric: 'rate' | 'p50' = 'rate',
): Promise<Side> {
  const server = await startHttp(context, kind)
  const { warmupMs, turnMs } = context.settings
  const job: ClosedLoopJob = {
    ...shape,
    kind: 'closed-loop',
    port: server.port,
    serverPid: server.pid,
    warmupMs,
    turnMs,
  }
  return async (): Promise<Sample> => {
    const result = await context.load<'closed-loop'>(job)
    return {
      values: metric === 'rate' ? { rate: result.recordsPerSecond } : { p50: result.p50Ms },
      notes: {
        'requests/s': Math.round(result.requestsPerSecond),
        'p50 ms': twoDigits(result.p50Ms),
        'p99 ms': twoDigits(result.p99Ms),
        'server µs/record': twoDigits(result.serverMicrosPerRecord),
        'server busy': twoDigits(result.serverBusy),
        'client busy': twoDigits(result.clientBusy),
      },
    }
  }
}

const LATENCY_CONNECTIONS = 64
const LATENCY_VALUE_BYTES = 100

/** Publish to receipt by one long-polling reader at the tail, from the time each message was due. */
export async function tailing(
  context: BenchContext,
  kind: ServerKind,
  ratePerSecond: number,
): Promise<Side> {
  const server = await startHttp(context, kind, ['--tail'])
  const { warmupMs, turnMs } = context.settings
  const job: OpenLoopJob = {
    kind: 'open-loop',
    port: server.port,
    serverPid: server.pid,
    ratePerSecond,
    connections: LATENCY_CONNECTIONS,
    valueBytes: LATENCY_VALUE_BYTES,
    acks: 'leader',
    warmupMs,
    turnMs,
    exact: true,
  }
  const turn = async (): Promise<Sample> => {
    const result = await context.load<'open-loop'>(job)
    return latencySample(result)
  }
  // At a fixed rate compilers take longer to settle than a turn's own warm-up.
  await turn()
  return turn
}
