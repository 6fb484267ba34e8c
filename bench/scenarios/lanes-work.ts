import { ratioAtLeast, type Scenario } from '../support/scenario.ts'
import { working } from '../support/workSides.ts'

const FIVE_LANES = [0, 1, 2, 3, 4] as const

export const scenario: Scenario = {
  name: 'lanes-work',
  title:
    'One worker process leases and acks, five priorities mixed record by record; floor: the same with all of them normal',
  unit: 'records/s',
  durability: 'leader',
  bars: [ratioAtLeast('rate', 0.85)],
  floor: (context) => working(context),
  ours: (context) => working(context, 'alone', FIVE_LANES),
}
