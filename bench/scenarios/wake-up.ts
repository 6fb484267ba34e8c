import type { BenchContext } from '../support/context.ts'
import { startHttp } from '../support/httpSides.ts'
import { type Scenario, type Side, valueAtMost } from '../support/scenario.ts'

const IDLE_POLLS = 499
const WAKE_UPS = { tiny: 5, quick: 100, standard: 200, full: 500 } as const

async function ours(context: BenchContext): Promise<Side> {
  const { port } = await startHttp(context, 'ours')
  const wakeUps = WAKE_UPS[context.settings.mode]
  return async () => {
    const job = { kind: 'wake-up', port, polls: IDLE_POLLS, wakeUps } as const
    const result = await context.load<'wake-up'>(job)
    return { values: { p50: result.p50Ms }, notes: { 'p99 ms': result.p99Ms } }
  }
}

export const scenario: Scenario = {
  name: 'wake-up',
  title:
    'One append among 500 long polls: from sending it to the answer of the one poll that waits for it; none of the other 499 answers',
  unit: 'ms',
  durability: 'leader',
  bars: [valueAtMost('p50', 2)],
  ours,
}
