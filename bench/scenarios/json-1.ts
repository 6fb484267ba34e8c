import { publishing } from '../support/httpSides.ts'
import { ratioAtLeast, type Scenario } from '../support/scenario.ts'

const SHAPE = {
  format: 'json',
  batch: 1,
  valueBytes: 100,
  connections: 50,
  acks: 'leader',
} as const

export const scenario: Scenario = {
  name: 'json-1',
  title: 'JSON, one message of 100 B a request, 50 connections, against floor-http',
  unit: 'records/s',
  durability: 'leader',
  bars: [ratioAtLeast('rate', 0.6)],
  floor: (context) => publishing(context, 'floor', SHAPE),
  ours: (context) => publishing(context, 'ours', SHAPE),
}
