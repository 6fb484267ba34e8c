import { producing } from '../support/clientSides.ts'
import { ratioAtLeast, type Scenario } from '../support/scenario.ts'

export const scenario: Scenario = {
  name: 'producer-send-all',
  title: 'Producer of the SDK, send(): our acks all against our own acks leader',
  unit: 'records/s',
  durability: 'all',
  bars: [ratioAtLeast('rate', 0.7)],
  floor: (context) => producing(context, 'send', 'leader'),
  ours: (context) => producing(context, 'send', 'all'),
}
