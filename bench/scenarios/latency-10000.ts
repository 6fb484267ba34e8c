import { tailing } from '../support/httpSides.ts'
import { ratioAtMost, type Scenario } from '../support/scenario.ts'

const RATE_PER_SECOND = 10_000

export const scenario: Scenario = {
  name: 'latency-10000',
  title:
    'Publish to receipt at the tail, 10,000 single-message requests a second, one long-polling reader',
  unit: 'ms',
  durability: 'leader',
  bars: [ratioAtMost('p50', 1.5), ratioAtMost('p99', 1.5)],
  floor: (context) => tailing(context, 'floor', RATE_PER_SECOND),
  ours: (context) => tailing(context, 'ours', RATE_PER_SECOND),
}
