import type { AppendJob } from '../inProcess/append.ts'
import type { BenchContext } from '../support/context.ts'
import { ratioAtLeast, type Sample, type Scenario, type Side } from '../support/scenario.ts'

async function turns(context: BenchContext, kind: 'floor-append' | 'our-append'): Promise<Side> {
  const worker = context.inProcess(kind === 'our-append')
  const job = {
    directory: context.directory(kind),
    batch: 1_000,
    valueBytes: 100,
    inFlight: 16,
    acks: 'leader',
    warmupMs: context.settings.warmupMs,
    turnMs: context.settings.turnMs,
  } as const satisfies Omit<AppendJob, 'kind'>
  return async (): Promise<Sample> => {
    const result =
      kind === 'floor-append'
        ? await worker.run<'floor-append'>({ ...job, kind }, context.turnLimitMs)
        : await worker.run<'our-append'>({ ...job, kind }, context.turnLimitMs)
    return {
      values: { rate: result.recordsPerSecond },
      notes: { 'MB/s': Math.round(result.megabytesPerSecond) },
    }
  }
}

export const scenario: Scenario = {
  name: 'append-inproc',
  title: 'In-process append, batches of 1000 × 100 B, 16 under way, against floor-append',
  unit: 'records/s',
  durability: 'leader',
  bars: [ratioAtLeast('rate', 0.5)],
  floor: (context) => turns(context, 'floor-append'),
  ours: (context) => turns(context, 'our-append'),
}
