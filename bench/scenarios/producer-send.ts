import { producing } from '../support/clientSides.ts'
import { publishing } from '../support/httpSides.ts'
import { ratioAtLeast, type Scenario } from '../support/scenario.ts'

const FLOOR = {
  format: 'raw',
  batch: 100,
  valueBytes: 100,
  connections: 16,
  acks: 'leader',
} as const

export const scenario: Scenario = {
  name: 'producer-send',
  title:
    'Producer of the SDK, send() with a promise for each message of 100 B, against raw batches of 100 to floor-http',
  unit: 'records/s',
  durability: 'leader',
  bars: [ratioAtLeast('rate', 0.2)],
  floor: (context) => publishing(context, 'floor', FLOOR),
  ours: (context) => producing(context, 'send', 'leader'),
}
