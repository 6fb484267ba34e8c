import { publishing } from '../support/httpSides.ts'
import { ratioAtMost, type Scenario } from '../support/scenario.ts'

const SHAPE = { format: 'json', batch: 1, valueBytes: 100, connections: 1, acks: 'leader' } as const

export const scenario: Scenario = {
  name: 'json-single',
  title: 'JSON, one message of 100 B at a time on one connection: time of a request',
  unit: 'ms',
  durability: 'leader',
  bars: [ratioAtMost('p50', 1.5)],
  floor: (context) => publishing(context, 'floor', SHAPE, 'p50'),
  ours: (context) => publishing(context, 'ours', SHAPE, 'p50'),
}
