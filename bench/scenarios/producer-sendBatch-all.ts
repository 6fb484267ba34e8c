import { producing } from '../support/clientSides.ts'
import { ratioAtLeast, type Scenario } from '../support/scenario.ts'

export const scenario: Scenario = {
  name: 'producer-sendBatch-all',
  title: 'Producer of the SDK, sendBatch(): our acks all against our own acks leader',
  unit: 'records/s',
  durability: 'all',
  bars: [ratioAtLeast('rate', 0.7)],
  floor: (context) => producing(context, 'sendBatch', 'leader'),
  ours: (context) => producing(context, 'sendBatch', 'all'),
}
