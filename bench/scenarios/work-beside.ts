import { ratioAtLeast, type Scenario } from '../support/scenario.ts'
import { working } from '../support/workSides.ts'

export const scenario: Scenario = {
  name: 'work-beside',
  title:
    'The same worker while raw batches of 100 are published to the topic at a third of the maximum; floor: the worker alone',
  unit: 'records/s',
  durability: 'leader',
  bars: [ratioAtLeast('rate', 0.5)],
  floor: (context) => working(context),
  ours: (context) => working(context, 'publishing'),
}
