import type { BenchContext } from '../support/context.ts'
import { startHttp } from '../support/httpSides.ts'
import { type Scenario, type Side, valueAtMost } from '../support/scenario.ts'

const POPULATION = { topics: 10, partitionsEach: 100, groups: 100 } as const
const CALLS = 100
const POPULATE_MS_MAX = 300_000

async function ours(context: BenchContext): Promise<Side> {
  const server = await startHttp(context, 'ours')
  await context.load<'populate'>(
    { kind: 'populate', port: server.port, ...POPULATION },
    POPULATE_MS_MAX,
  )
  const p99 = async (path: string): Promise<number> =>
    (await context.load<'ask'>({ kind: 'ask', port: server.port, path, calls: CALLS })).p99Ms
  return async () => ({
    values: {
      priority: await p99('/priority/stats'),
      delay: await p99('/delay/stats'),
      reliability: await p99('/reliability/stats'),
    },
  })
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
