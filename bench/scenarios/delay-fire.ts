import { producing } from '../support/clientSides.ts'
import { rushing } from '../support/delaySides.ts'
import { ratioAtLeast, type Scenario } from '../support/scenario.ts'

export const scenario: Scenario = {
  name: 'delay-fire',
  title:
    'Messages of 100 B that are all due at one moment: from then on until the last is in the topic; floor: the same published through the SDK, sendBatch',
  unit: 'records/s',
  durability: 'leader; delivered as on disk',
  bars: [ratioAtLeast('rate', 0.3)],
  floor: (context) => producing(context, 'sendBatch', 'leader'),
  ours: rushing,
}
