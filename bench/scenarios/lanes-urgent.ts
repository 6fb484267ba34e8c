import type { BenchContext } from '../support/context.ts'
import { startHttp } from '../support/httpSides.ts'
import { type Scenario, type Side, valueAtMost } from '../support/scenario.ts'

const BACKGROUND = [4] as const
const FILL_BATCH = 1_000
const VALUE_BYTES = 100

async function ours(context: BenchContext): Promise<Side> {
  const server = await startHttp(context, 'ours')
  await context.load<'filling'>({
    ...{ kind: 'filling', port: server.port, partitions: 1, batch: FILL_BATCH, acks: 'leader' },
    ...{ records: context.settings.storedRecords, valueBytes: VALUE_BYTES },
    ...{ priorities: BACKGROUND, urgentLast: true },
  })
  return async () => {
    const { ms } = await context.load<'urgent'>({ kind: 'urgent', port: server.port })
    return { values: { poll: ms } }
  }
}

export const scenario: Scenario = {
  name: 'lanes-urgent',
  title:
    'One critical message behind 1,000,000 background ones: the first poll of a new group has it, so long after it was asked',
  unit: 'ms',
  durability: 'leader',
  bars: [valueAtMost('poll', 20)],
  ours,
}
