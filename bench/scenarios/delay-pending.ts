import { DAY_MS } from '../../src/kernel/units.ts'
import { residentMb } from '../load/memory.ts'
import { request, TOPIC } from '../load/requests.ts'
import type { BenchContext } from '../support/context.ts'
import { firstAnswer } from '../support/firstAnswer.ts'
import { type Scenario, type Side, valueAtMost } from '../support/scenario.ts'

const PARTITIONS = 3
const CALLS = 500
const SPREAD_MS = 30 * DAY_MS
const STORING_MS_MAX = 300_000
const ANSWER_MS_MAX = 60_000

const share = (ms: number): number => Math.round(ms * 100) / 100

async function ours(context: BenchContext): Promise<Side> {
  return async () => {
    const directory = context.directory('pending')
    const before = await context.daemon({ directory })
    await context.load<'pending'>(
      {
        ...{ kind: 'pending', port: before.port, partitions: PARTITIONS, valueBytes: 100 },
        ...{ records: context.settings.storedRecords, overMs: SPREAD_MS },
      },
      STORING_MS_MAX,
    )
    const rss = residentMb(before.pid)
    await before.kill()
    const fromMs = performance.now()
    const after = await context.daemon({ directory })
    const ask = request('GET', `/topics/${TOPIC}/delayed?limit=1`, {})
    await firstAnswer(after.port, ask, ANSWER_MS_MAX)
    const restart = performance.now() - fromMs
    const calls = await context.load<'pending-calls'>({
      ...{ kind: 'pending-calls', port: after.port, calls: CALLS },
    })
    const notes = {
      'rss MB after the restart': residentMb(after.pid),
      'list p50 ms': share(calls.listP50Ms),
      'cancel p50 ms': share(calls.cancelP50Ms),
    }
    await after.stop()
    const { listP99Ms: list, cancelP99Ms: cancel } = calls
    return { values: { rss, restart, list, cancel }, notes }
  }
}

export const scenario: Scenario = {
  name: 'delay-pending',
  title:
    '1,000,000 messages that wait, spread over 30 days: resident memory; after kill -9 the time to the first list of them; p99 of listing 100 and of cancelling one (on disk)',
  unit: 'ms',
  durability: 'leader',
  rounds: 1,
  bars: [
    { ...valueAtMost('rss', 400), unit: 'MB' },
    valueAtMost('restart', 3_000),
    valueAtMost('list', 10),
    valueAtMost('cancel', 10),
  ],
  ours,
}
