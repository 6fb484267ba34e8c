import { wholePath } from '../support/clientSides.ts'
import { publishing } from '../support/httpSides.ts'
import { ratioAtLeast, type Scenario, valueAtMost } from '../support/scenario.ts'

const FLOOR = {
  format: 'raw',
  batch: 100,
  valueBytes: 100,
  connections: 16,
  acks: 'leader',
} as const

export const scenario: Scenario = {
  name: 'whole-path',
  title:
    'Producer and consumer group of the SDK at once, 6 partitions: messages handled, against raw batches of 100 to floor-http, and the longest wait behind',
  unit: 'records/s',
  durability: 'leader',
  rounds: 1,
  bars: [ratioAtLeast('rate', 0.2), { ...valueAtMost('lag', 1_000), unit: 'ms' }],
  floor: async (context) => {
    const turn = await publishing(context, 'floor', FLOOR)
    // There is one round only: compilers settle before it.
    await turn()
    return async () => {
      const { values, notes } = await turn()
      return { values: { ...values, lag: 0 }, ...(notes === undefined ? {} : { notes }) }
    }
  },
  ours: wholePath,
}
