/** Reading back over HTTP: floor-read, or the daemon with records stored first. */
import type { ReadingJob } from '../load/reading.ts'
import type { BenchContext } from './context.ts'
import { startHttp } from './httpSides.ts'
import type { Sample, Side } from './scenario.ts'

/** A share of every turn goes by before the clock starts. */
const WARMUP_SHARE = 0.2
const VALUE_BYTES = 100
const FILL_BATCH = 1_000

export interface ReadingScenario {
  readonly format: 'json' | 'raw'
  /** Records that a reply may hold. */
  readonly limit: number
  readonly maxBytes: number
}

async function openServer(context: BenchContext, kind: 'floor' | 'ours', shape: ReadingScenario) {
  const { readRecords } = context.settings
  if (kind === 'floor') {
    return await context.floor('read', ...[shape.limit, shape.limit, VALUE_BYTES].map(String))
  }
  const server = await startHttp(context, 'ours')
  await context.load<'filling'>({
    kind: 'filling',
    port: server.port,
    partitions: 1,
    records: readRecords,
    batch: FILL_BATCH,
    valueBytes: VALUE_BYTES,
    acks: 'leader',
  })
  return server
}

export async function reading(
  context: BenchContext,
  kind: 'floor' | 'ours',
  shape: ReadingScenario,
): Promise<Side> {
  const server = await openServer(context, kind, shape)
  const { readRecords } = context.settings
  const job: ReadingJob = {
    ...shape,
    kind: 'reading',
    port: server.port,
    serverPid: server.pid,
    records: readRecords,
    warmupRecords: Math.floor(readRecords * WARMUP_SHARE),
    sameBytes: kind === 'floor',
  }
  return async (): Promise<Sample> => {
    const result = await context.load<'reading'>(job)
    return {
      values: { rate: result.recordsPerSecond },
      notes: {
        'records/reply': result.recordsPerReply,
        'server busy': Math.round(result.serverBusy * 100) / 100,
        'client busy': Math.round(result.clientBusy * 100) / 100,
      },
    }
  }
}
