import { handling } from '../support/clientSides.ts'
import { tailing } from '../support/httpSides.ts'
import { ratioAtMost, type Scenario, valueAtMost } from '../support/scenario.ts'

const RATE_PER_SECOND = 10_000

export const scenario: Scenario = {
  name: 'handler-10000',
  title:
    'Publish to handler through the SDK, 10,000 messages a second, linger 0; floor: single requests and a long poll of floor-http',
  unit: 'ms',
  durability: 'leader',
  bars: [valueAtMost('p50', 1), ratioAtMost('p99', 1.5)],
  floor: (context) => tailing(context, 'floor', RATE_PER_SECOND),
  ours: (context) => handling(context, RATE_PER_SECOND),
}
