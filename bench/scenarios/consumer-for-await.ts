import { MiB } from '../../src/kernel/units.ts'
import { consuming } from '../support/clientSides.ts'
import { reading } from '../support/readingSides.ts'
import { ratioAtLeast, type Scenario } from '../support/scenario.ts'

/** 7,900 records of 132 B are just under 1 MiB, which a consumer asks for at once. */
const FLOOR = { format: 'raw', limit: 7_900, maxBytes: 1 * MiB } as const

export const scenario: Scenario = {
  name: 'consumer-for-await',
  title:
    'Consumer group of one, for await, messages of 100 B checked and decoded, against reading floor-read with the same checks',
  unit: 'records/s',
  durability: '–',
  bars: [ratioAtLeast('rate', 0.2)],
  floor: (context) => reading(context, 'floor', FLOOR),
  ours: (context) => consuming(context, 'for await'),
}
