import { publishing } from '../support/httpSides.ts'
import { ratioAtLeast, type Scenario } from '../support/scenario.ts'
import { jsonWork } from '../support/workSides.ts'

const FLOOR = {
  format: 'json',
  batch: 1,
  valueBytes: 100,
  connections: 50,
  acks: 'leader',
} as const

export const scenario: Scenario = {
  name: 'work-json-1',
  title:
    'JSON polls of 100 with an ack request for each message, 50 members, against JSON, one message a request, to floor-http',
  unit: 'records/s',
  durability: 'leader',
  bars: [ratioAtLeast('rate', 0.6)],
  floor: (context) => publishing(context, 'floor', FLOOR),
  ours: (context) => jsonWork(context, { members: 50, acked: 'one by one' }),
}
