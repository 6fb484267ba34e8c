import { MiB } from '../../src/kernel/units.ts'
import { reading } from '../support/readingSides.ts'
import { ratioAtLeast, type Scenario } from '../support/scenario.ts'

/** 7,900 records of 132 B are just under 1 MiB: both sides send replies of the same size. */
const SHAPE = { format: 'raw', limit: 7_900, maxBytes: 1 * MiB } as const

export const scenario: Scenario = {
  name: 'read-raw',
  title: 'Reading back raw records of 100 B, decoded and CRC-checked by the client, one connection',
  unit: 'records/s',
  durability: '–',
  bars: [ratioAtLeast('rate', 0.5)],
  floor: (context) => reading(context, 'floor', SHAPE),
  ours: (context) => reading(context, 'ours', SHAPE),
}
