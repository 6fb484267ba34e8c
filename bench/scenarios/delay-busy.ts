import { rushingBusy } from '../support/delaySides.ts'
import { type Scenario, valueAtMost } from '../support/scenario.ts'

export const scenario: Scenario = {
  name: 'delay-busy',
  title:
    '10,000 messages due at one moment while raw batches are published as fast as they are taken: until the last is in the topic',
  unit: 'ms',
  durability: 'leader; delivered as on disk',
  bars: [valueAtMost('last out', 1_000)],
  ours: rushingBusy,
}
