import { publishing } from '../support/httpSides.ts'
import { ratioAtLeast, type Scenario } from '../support/scenario.ts'
import { jsonWork } from '../support/workSides.ts'

const FLOOR = {
  format: 'json',
  batch: 100,
  valueBytes: 100,
  connections: 16,
  acks: 'leader',
} as const

export const scenario: Scenario = {
  name: 'work-json-100',
  title:
    'JSON polls of 100 with one ack for all of them, 16 members, against JSON batches of 100 to floor-http',
  unit: 'records/s',
  durability: 'leader',
  bars: [ratioAtLeast('rate', 0.1)],
  floor: (context) => publishing(context, 'floor', FLOOR),
  ours: (context) => jsonWork(context, { members: 16, acked: 'together' }),
}
