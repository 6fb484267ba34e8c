import { MiB } from '../../src/kernel/units.ts'
import { clientMemory } from '../support/clientSides.ts'
import { type Scenario, valueAtMost } from '../support/scenario.ts'

/** As it comes. */
const BUFFER_BYTES = 32 * MiB

export const scenario: Scenario = {
  name: 'producer-memory',
  title: 'Producer of the SDK while the broker stands still: bytes held, growth of the process',
  unit: 'MB',
  durability: 'leader',
  rounds: 1,
  bars: [valueAtMost('held', BUFFER_BYTES / 1e6), valueAtMost('rss growth', 60)],
  ours: (context) =>
    clientMemory(context, { of: 'producer', budgetBytes: BUFFER_BYTES, valueBytes: 1_000 }),
}
