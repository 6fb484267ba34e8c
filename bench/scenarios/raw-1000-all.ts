import { publishing } from '../support/httpSides.ts'
import { ratioAtLeast, type Scenario } from '../support/scenario.ts'

const SHAPE = {
  format: 'raw',
  batch: 1_000,
  valueBytes: 100,
  connections: 16,
  acks: 'all',
} as const

export const scenario: Scenario = {
  name: 'raw-1000-all',
  title: 'The same as raw-1000 with acks all, against floor-http with fdatasync',
  unit: 'records/s',
  durability: 'all',
  bars: [ratioAtLeast('rate', 0.5)],
  floor: (context) => publishing(context, 'floor', SHAPE),
  ours: (context) => publishing(context, 'ours', SHAPE),
}
