import { publishing } from '../support/httpSides.ts'
import { ratioAtLeast, type Scenario } from '../support/scenario.ts'

const SHAPE = {
  format: 'raw',
  batch: 100,
  valueBytes: 100,
  connections: 16,
  acks: 'leader',
} as const

export const scenario: Scenario = {
  name: 'raw-100',
  title: 'Raw records in batches of 100 × 100 B, 16 connections, against floor-http',
  unit: 'records/s',
  durability: 'leader',
  bars: [ratioAtLeast('rate', 0.5)],
  floor: (context) => publishing(context, 'floor', SHAPE),
  ours: (context) => publishing(context, 'ours', SHAPE),
}
