import { handling } from '../support/clientSides.ts'
import { tailing } from '../support/httpSides.ts'
import { ratioAtMost, type Scenario } from '../support/scenario.ts'

const RATE_PER_SECOND = 10_000

export const scenario: Scenario = {
  name: 'work-10000',
  title:
    'Enqueue to handler of a worker of the SDK, 10,000 messages a second, linger 0; floor: single requests and a long poll of floor-http',
  unit: 'ms',
  durability: 'leader',
  bars: [ratioAtMost('p99', 2)],
  floor: (context) => tailing(context, 'floor', RATE_PER_SECOND),
  ours: (context) => handling(context, RATE_PER_SECOND, 'worker'),
}
