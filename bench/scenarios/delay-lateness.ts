import { staggered } from '../support/delaySides.ts'
import { type Scenario, valueAtMost } from '../support/scenario.ts'

export const scenario: Scenario = {
  name: 'delay-lateness',
  title:
    '10,000 messages due one after the other over 10 s: how late a reader at the tail has them; none is early',
  unit: 'ms',
  durability: 'leader; delivered as on disk',
  bars: [valueAtMost('p99', 15)],
  ours: staggered,
}
