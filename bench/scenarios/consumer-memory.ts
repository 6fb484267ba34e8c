import { MiB } from '../../src/kernel/units.ts'
import { clientMemory } from '../support/clientSides.ts'
import { type Scenario, valueAtMost } from '../support/scenario.ts'

/** As it comes. */
const PREFETCH_BYTES = 8 * MiB

export const scenario: Scenario = {
  name: 'consumer-memory',
  title: 'Consumer of the SDK while its handler stands still: bytes held, growth of the process',
  unit: 'MB',
  durability: '–',
  rounds: 1,
  bars: [valueAtMost('held', PREFETCH_BYTES / 1e6), valueAtMost('rss growth', 30)],
  ours: (context) =>
    clientMemory(context, { of: 'consumer', budgetBytes: PREFETCH_BYTES, valueBytes: 1_000 }),
}
