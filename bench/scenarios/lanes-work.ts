import { ratioAtLeast, type Scenario } from '../support/scenario.ts'
import { working } from '../support/workSides.ts'

const LANES = [0, 1, 2, 3, 4] as const
const BATCH = 100
/** As producers send them: each batch of one priority, the next of another. */
const BATCHES = LANES.flatMap((lane) => new Array<typeof lane>(BATCH).fill(lane))

export const scenario: Scenario = {
  name: 'lanes-work',
  title:
    'One worker process leases and acks, five priorities mixed batch by batch (100 of one, 100 of the next); floor: the same with all of them normal',
  unit: 'records/s',
  durability: 'leader',
  bars: [ratioAtLeast('rate', 0.85)],
  floor: (context) => working(context),
  ours: (context) => working(context, 'alone', BATCHES),
}
