/** Sides of the work queue: leases and acks, through the SDK and in JSON. */

import type { Priority } from '../../src/kernel/priority.ts'
import type { JsonWorkJob } from '../load/jsonWork.ts'
import type { BenchContext } from './context.ts'
import { startHttp } from './httpSides.ts'
import type { Sample, Side } from './scenario.ts'
import type { Server } from './servers.ts'
import { twoDigits } from './statistics.ts'

const VALUE_BYTES = 100
const FILL_BATCH = 1_000
const WARMUP_SHARE = 0.2
/** Handlers at once, and as many messages waiting for one: what a member may hold by default. */
const CONCURRENCY = 500
const PUBLISH_CONNECTIONS = 16
/** The share of its own maximum at which is published beside the workers. */
const BESIDE_SHARE = 1 / 3

async function filled(context: BenchContext, priorities?: readonly Priority[]): Promise<Server> {
  const server = await startHttp(context, 'ours')
  await fill(context, server, priorities)
  return server
}

export async function fill(
  context: BenchContext,
  server: Server,
  priorities?: readonly Priority[],
): Promise<void> {
  await context.load<'filling'>({
    ...{ kind: 'filling', port: server.port, partitions: 1, batch: FILL_BATCH },
    ...{ records: context.settings.readRecords, valueBytes: VALUE_BYTES, acks: 'leader' },
    ...(priorities === undefined ? {} : { priorities }),
  })
}

/** One worker process; with `publishing`, publishing at a third of its own maximum goes on meanwhile. */
export async function working(
  context: BenchContext,
  beside: 'alone' | 'publishing' = 'alone',
  priorities?: readonly Priority[],
): Promise<Side> {
  const server = await filled(context, priorities)
  const besidePerSecond =
    beside === 'publishing' ? (await publishMax(context, server)) * BESIDE_SHARE : 0
  return () => work(context, server, besidePerSecond)
}

/** One worker process takes what the topic holds. */
export async function work(
  context: BenchContext,
  server: Server,
  besidePerSecond = 0,
): Promise<Sample> {
  const { readRecords: records } = context.settings
  const result = await context.load<'working'>({
    ...{ kind: 'working', port: server.port, serverPid: server.pid, concurrency: CONCURRENCY },
    ...{ records, warmupRecords: Math.floor(records * WARMUP_SHARE), besidePerSecond },
  })
  const published = Math.round(result.publishedPerSecond)
  return {
    values: { rate: result.recordsPerSecond },
    notes: {
      ...(besidePerSecond > 0
        ? { 'published/s': published, 'wanted/s': Math.round(besidePerSecond) }
        : {}),
      'server busy': twoDigits(result.serverBusy),
      'client busy': twoDigits(result.clientBusy),
    },
  }
}

async function publishMax(context: BenchContext, server: Server): Promise<number> {
  const { warmupMs, turnMs } = context.settings
  const { recordsPerSecond } = await context.load<'closed-loop'>({
    ...{ kind: 'closed-loop', port: server.port, serverPid: server.pid, keepTopic: true },
    ...{ format: 'raw', batch: 100, valueBytes: VALUE_BYTES, acks: 'leader' },
    ...{ connections: PUBLISH_CONNECTIONS, warmupMs, turnMs },
  })
  return recordsPerSecond
}

export async function jsonWork(
  context: BenchContext,
  job: Pick<JsonWorkJob, 'members' | 'acked'>,
): Promise<Side> {
  const server = await filled(context)
  const { warmupMs, turnMs } = context.settings
  return async (): Promise<Sample> => {
    const result = await context.load<'json-work'>({
      ...{ kind: 'json-work', port: server.port, serverPid: server.pid, warmupMs, turnMs },
      ...job,
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
