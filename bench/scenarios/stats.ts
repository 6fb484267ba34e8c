import type { BenchContext } from '../support/context.ts'
import { startHttp } from '../support/httpSides.ts'
import { type Scenario, type Side, valueAtMost } from '../support/scenario.ts'

const POPULATION = { topics: 10, partitionsEach: 100, groups: 100 } as const
const CALLS = 500
const share = (ms: number): number => Math.round(ms * 100) / 100
const POPULATE_MS_MAX = 300_000

async function ours(context: BenchContext): Promise<Side> {
  const server = await startHttp(context, 'ours')
  await context.load<'populate'>(
    { kind: 'populate', port: server.port, ...POPULATION },
    POPULATE_MS_MAX,
  )
  const ask = (path: string) =>
    context.load<'ask'>({ kind: 'ask', port: server.port, path, calls: CALLS })
  return async () => {
    const priority = await ask('/priority/stats')
    const delay = await ask('/delay/stats')
    const reliability = await ask('/reliability/stats')
    return {
      values: { priority: priority.p99Ms, delay: delay.p99Ms, reliability: reliability.p99Ms },
      notes: {
        'priority p50 ms': share(priority.p50Ms),
        'delay p50 ms': share(delay.p50Ms),
        'reliability p50 ms': share(reliability.p50Ms),
      },
    }
  }
}

export const scenario: Scenario = {
  name: 'stats',
  title:
    'Figures of a broker with 1,000 partitions and 100 groups of 100 partitions each: p99 of an answer',
  unit: 'ms',
  durability: '–',
  bars: [valueAtMost('priority', 10), valueAtMost('delay', 10), valueAtMost('reliability', 10)],
  ours,
}
