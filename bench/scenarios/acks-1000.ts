import { publishing } from '../support/httpSides.ts'
import { ratioAtLeast, type Scenario } from '../support/scenario.ts'

const SHAPE = { format: 'raw', batch: 1_000, valueBytes: 100, connections: 50 } as const

export const scenario: Scenario = {
  name: 'acks-1000',
  title: 'Raw batches of 1000 × 100 B, 50 connections: our acks all against our own acks leader',
  unit: 'records/s',
  durability: 'all',
  bars: [ratioAtLeast('rate', 0.7)],
  floor: (context) => publishing(context, 'ours', { ...SHAPE, acks: 'leader' }),
  ours: (context) => publishing(context, 'ours', { ...SHAPE, acks: 'all' }),
}
