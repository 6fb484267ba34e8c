import { ratioAtLeast, type Scenario } from '../support/scenario.ts'
import { working } from '../support/workSides.ts'

const LANES = [0, 1, 2, 3, 4] as const

export const scenario: Scenario = {
  name: 'lanes-scattered',
  title:
    'The same, each message of another priority than the one before: nothing that is handed out together lies together',
  unit: 'records/s',
  durability: 'leader',
  bars: [ratioAtLeast('rate', 0.85)],
  floor: (context) => working(context),
  ours: (context) => working(context, 'alone', LANES),
}
