import { MiB } from '../../src/kernel/units.ts'
import { reading } from '../support/readingSides.ts'
import { ratioAtLeast, type Scenario } from '../support/scenario.ts'

const SHAPE = { format: 'json', limit: 1_000, maxBytes: 1 * MiB } as const

export const scenario: Scenario = {
  name: 'read-json',
  title: 'Reading back JSON in pages of 1000 × 100 B, one connection, against stringifying alone',
  unit: 'records/s',
  durability: '–',
  bars: [ratioAtLeast('rate', 0.7)],
  floor: (context) => reading(context, 'floor', SHAPE),
  ours: (context) => reading(context, 'ours', SHAPE),
}
