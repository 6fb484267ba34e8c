import type { BenchContext } from '../support/context.ts'
import { startHttp } from '../support/httpSides.ts'
import { type Scenario, type Side, valueAtMost } from '../support/scenario.ts'

const POLLS = 500

async function turns(context: BenchContext, polls: number): Promise<Side> {
  const server = await startHttp(context, 'ours')
  const { warmupMs, turnMs } = context.settings
  return async () => {
    const job = { port: server.port, serverPid: server.pid, polls, warmupMs, turnMs }
    const { percentOfCore } = await context.load<'idle-polls'>({ kind: 'idle-polls', ...job })
    return { values: { cpu: percentOfCore } }
  }
}

export const scenario: Scenario = {
  name: 'idle-polls',
  title: '500 long polls that wait: processor time of the daemon; floor: the daemon without them',
  unit: '% of a core',
  durability: '–',
  bars: [valueAtMost('cpu', 1)],
  floor: (context) => turns(context, 0),
  ours: (context) => turns(context, POLLS),
}
