import type { BenchContext } from '../support/context.ts'
import { startHttp } from '../support/httpSides.ts'
import { type Scenario, type Side, valueAtMost } from '../support/scenario.ts'

const JOB = { workers: 2, concurrency: 4, everyMs: 10 } as const
const BACKGROUND_MS = 300
const CRITICAL = { tiny: 10, quick: 200, standard: 500, full: 1_000 } as const

async function hog(context: BenchContext, backgroundMs: number): Promise<Side> {
  const server = await startHttp(context, 'ours')
  const critical = CRITICAL[context.settings.mode]
  return async () => {
    const result = await context.load<'hog'>({
      ...{ kind: 'hog', port: server.port, critical, backgroundMs },
      ...JOB,
    })
    const notes = {
      'p50 ms': result.p50Ms,
      'max ms': result.maxMs,
      'background done': result.background,
    }
    return { values: { p99: result.p99Ms }, notes }
  }
}

export const scenario: Scenario = {
  name: 'lanes-hog',
  title:
    'Critical messages, 100 a second, while background ones of 300 ms keep the places of two workers as far as they may: from send to handler; floor: without the background ones',
  unit: 'ms',
  durability: 'leader',
  bars: [valueAtMost('p99', 50)],
  floor: (context) => hog(context, 0),
  ours: (context) => hog(context, BACKGROUND_MS),
}
