/** Sides through the clients of the SDK: the daemon with a fresh directory, and a job of the client process. */

import { MiB } from '../../src/kernel/units.ts'
import { type ClientMemoryJob, recordsBeyond } from '../load/clientMemory.ts'
import type { ConsumingJob } from '../load/consuming.ts'
import type { HandlingJob } from '../load/handling.ts'
import type { ProducingJob } from '../load/producing.ts'
import type { BenchContext } from './context.ts'
import { startHttp } from './httpSides.ts'
import { latencySample } from './latency.ts'
import type { Sample, Side } from './scenario.ts'
import { twoDigits } from './statistics.ts'

const VALUE_BYTES = 100
const FILL_BATCH = 1_000
/** A share of every turn of reading goes by before the clock starts. */
const WARMUP_SHARE = 0.2
/** Messages of one call, and calls at once. */
const BATCH = 100
const CALLS = 64
const WHOLE_PATH_PARTITIONS = 6

export async function producing(
  context: BenchContext,
  via: ProducingJob['via'],
  acks: ProducingJob['acks'],
  delayMs?: number,
): Promise<Side> {
  const server = await startHttp(context, 'ours')
  const { warmupMs, turnMs } = context.settings
  return async (): Promise<Sample> => {
    const result = await context.load<'producing'>({
      ...(delayMs === undefined ? {} : { delayMs }),
      ...{ kind: 'producing', port: server.port, serverPid: server.pid, via, acks },
      ...{ partitions: 1, batch: BATCH, valueBytes: VALUE_BYTES, calls: CALLS, warmupMs, turnMs },
    })
    return {
      values: { rate: result.recordsPerSecond },
      notes: {
        'server µs/record': twoDigits(result.serverMicrosPerRecord),
        'server busy': twoDigits(result.serverBusy),
        'client busy': twoDigits(result.clientBusy),
      },
    }
  }
}

export async function consuming(context: BenchContext, via: ConsumingJob['via']): Promise<Side> {
  const server = await startHttp(context, 'ours')
  const records = context.settings.readRecords
  await context.load<'filling'>({
    ...{ kind: 'filling', port: server.port, partitions: 1, records, batch: FILL_BATCH },
    ...{ valueBytes: VALUE_BYTES, acks: 'leader' },
  })
  const warmupRecords = Math.floor(records * WARMUP_SHARE)
  return async (): Promise<Sample> => {
    const result = await context.load<'consuming'>({
      ...{ kind: 'consuming', port: server.port, serverPid: server.pid },
      ...{ via, records, warmupRecords },
    })
    return {
      values: { rate: result.recordsPerSecond },
      notes: {
        'server busy': twoDigits(result.serverBusy),
        'client busy': twoDigits(result.clientBusy),
      },
    }
  }
}

/** From the time each message was due until its handler begins. */
export async function handling(
  context: BenchContext,
  ratePerSecond: number,
  by: HandlingJob['by'] = 'consumer',
): Promise<Side> {
  const server = await startHttp(context, 'ours')
  const { warmupMs, turnMs } = context.settings
  const turn = async (): Promise<Sample> => {
    const result = await context.load<'handling'>({
      ...{ kind: 'handling', port: server.port, serverPid: server.pid, by, ratePerSecond },
      ...{ valueBytes: VALUE_BYTES, warmupMs, turnMs },
    })
    return latencySample(result)
  }
  // As in tailing().
  await turn()
  return turn
}

export async function wholePath(context: BenchContext): Promise<Side> {
  const server = await startHttp(context, 'ours')
  const { warmupMs, wholePathMs } = context.settings
  return async (): Promise<Sample> => {
    const result = await context.load<'whole-path'>(
      {
        ...{ kind: 'whole-path', port: server.port, serverPid: server.pid },
        ...{ partitions: WHOLE_PATH_PARTITIONS, batch: BATCH, valueBytes: VALUE_BYTES },
        ...{ calls: CALLS, warmupMs, turnMs: wholePathMs },
      },
      context.turnLimitMs + 2 * wholePathMs,
    )
    return {
      values: { rate: result.recordsPerSecond, lag: result.lagMs },
      notes: {
        seconds: wholePathMs / 1_000,
        'server busy': twoDigits(result.serverBusy),
        'client busy': twoDigits(result.clientBusy),
      },
    }
  }
}

export async function clientMemory(
  context: BenchContext,
  job: Pick<ClientMemoryJob, 'of' | 'budgetBytes' | 'valueBytes'>,
): Promise<Side> {
  const server = await startHttp(context, 'ours')
  const { turnMs } = context.settings
  if (job.of === 'consumer') {
    await context.load<'filling'>({
      ...{ kind: 'filling', port: server.port, partitions: 1, batch: FILL_BATCH },
      ...{ records: recordsBeyond(job.budgetBytes, job.valueBytes), valueBytes: job.valueBytes },
      acks: 'leader',
    })
  }
  return async (): Promise<Sample> => {
    const { heldMb, growthMb } = await context.load<'client-memory'>({
      ...{ kind: 'client-memory', port: server.port, serverPid: server.pid, turnMs, ...job },
    })
    return {
      values: { held: heldMb, 'rss growth': growthMb },
      notes: { 'budget MB': twoDigits((job.budgetBytes / MiB) * (MiB / 1e6)) },
    }
  }
}
