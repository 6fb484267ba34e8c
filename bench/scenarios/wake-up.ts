import type { BenchContext } from '../support/context.ts'
import { type ServerKind, startHttp } from '../support/httpSides.ts'
import { type Scenario, type Side, valueAtMost } from '../support/scenario.ts'

const IDLE_POLLS = 499
const WAKE_UPS = { tiny: 5, quick: 100, standard: 200, full: 500 } as const

async function turns(context: BenchContext, kind: ServerKind): Promise<Side> {
  const { port } = await startHttp(context, kind, ['--tail'])
  const wakeUps = WAKE_UPS[context.settings.mode]
  // The floor has one partition and would wake them all.
  const polls = kind === 'floor' ? 0 : IDLE_POLLS
  return async () => {
    const result = await context.load<'wake-up'>({ kind: 'wake-up', port, polls, wakeUps })
    return { values: { p50: result.p50Ms }, notes: { 'p99 ms': result.p99Ms } }
  }
}

export const scenario: Scenario = {
  name: 'wake-up',
  title:
    'One append among 500 long polls: from sending it to the answer of the one poll that waits for it; none of the other 499 answers; floor: one poll alone',
  unit: 'ms',
  durability: 'leader',
  bars: [valueAtMost('p50', 2)],
  floor: (context) => turns(context, 'floor'),
  ours: (context) => turns(context, 'ours'),
}
