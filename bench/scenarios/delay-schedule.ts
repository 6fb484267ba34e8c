import { HOUR_MS } from '../../src/kernel/units.ts'
import { producing } from '../support/clientSides.ts'
import { ratioAtLeast, type Scenario } from '../support/scenario.ts'

export const scenario: Scenario = {
  name: 'delay-schedule',
  title:
    'Messages of 100 B for later through the producer of the SDK, sendBatch; floor: the same messages published at once',
  unit: 'records/s',
  durability: 'all',
  bars: [ratioAtLeast('rate', 0.5)],
  floor: (context) => producing(context, 'sendBatch', 'all'),
  ours: (context) => producing(context, 'sendBatch', 'all', HOUR_MS),
}
