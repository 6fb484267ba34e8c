import { publishing } from '../support/httpSides.ts'
import { ratioAtLeast, type Scenario } from '../support/scenario.ts'
import { working } from '../support/workSides.ts'

const FLOOR = {
  format: 'raw',
  batch: 100,
  valueBytes: 100,
  connections: 16,
  acks: 'leader',
} as const

export const scenario: Scenario = {
  name: 'work-ack',
  title:
    'One worker process of the SDK leases and acks messages of 100 B, 500 handlers that do nothing, every ack confirmed, against raw batches of 100 to floor-http',
  unit: 'records/s',
  durability: 'leader',
  bars: [ratioAtLeast('rate', 0.12)],
  floor: (context) => publishing(context, 'floor', FLOOR),
  ours: (context) => working(context),
}
