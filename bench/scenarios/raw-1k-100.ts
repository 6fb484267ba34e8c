import { publishing } from '../support/httpSides.ts'
import { ratioAtLeast, type Scenario, valueAtLeast } from '../support/scenario.ts'

const SHAPE = {
  format: 'raw',
  batch: 100,
  valueBytes: 1_024,
  connections: 16,
  acks: 'leader',
} as const

export const scenario: Scenario = {
  name: 'raw-1k-100',
  title: 'Raw records in batches of 100 × 1 KiB, 16 connections, against floor-http',
  unit: 'records/s',
  durability: 'leader',
  bars: [ratioAtLeast('rate', 0.55), valueAtLeast('rate', 384_000)],
  floor: (context) => publishing(context, 'floor', SHAPE),
  ours: (context) => publishing(context, 'ours', SHAPE),
}
