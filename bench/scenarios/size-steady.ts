import { openFiles, residentMb } from '../load/memory.ts'
import type { BenchContext } from '../support/context.ts'
import { startHttp } from '../support/httpSides.ts'
import { type Scenario, type Side, valueAtMost } from '../support/scenario.ts'
import { median } from '../support/statistics.ts'

const RATE_PER_SECOND = 2_000
const CONNECTIONS = 32
const SAMPLES = 200
const GRACE_MS = 60_000
/** What the daemon holds open at most by its default, and what every process has open. New segments open more up to here. */
const FILES_MAX = 1_100

/** Growth from the second fifth of a run to its last, by their medians: the first is the heap finding its size. */
export function growth(samples: readonly number[]): number {
  const fifth = Math.floor(samples.length / 5)
  return median(samples.slice(-fifth)) - median(samples.slice(fifth, 2 * fifth))
}

async function ours(context: BenchContext): Promise<Side> {
  const server = await startHttp(context, 'ours')
  const { soakMs } = context.settings
  return async () => {
    const memory: number[] = []
    const files: number[] = []
    const sampler = setInterval(() => {
      memory.push(residentMb(server.pid))
      files.push(openFiles(server.pid))
    }, soakMs / SAMPLES)
    try {
      await context.load<'open-loop'>(
        {
          kind: 'open-loop',
          port: server.port,
          serverPid: server.pid,
          ratePerSecond: RATE_PER_SECOND,
          connections: CONNECTIONS,
          valueBytes: 100,
          acks: 'leader',
          warmupMs: 0,
          turnMs: soakMs,
          exact: false,
        },
        soakMs + GRACE_MS,
      )
    } finally {
      clearInterval(sampler)
    }
    return {
      values: { 'rss growth': growth(memory), files: Math.max(...files) },
      notes: {
        'first rss MB': memory[0] ?? Number.NaN,
        'last rss MB': memory.at(-1) ?? Number.NaN,
        'largest rss MB': Math.max(...memory),
        seconds: soakMs / 1_000,
      },
    }
  }
}

export const scenario: Scenario = {
  name: 'size-steady',
  title:
    'Steady publish (2,000 requests a second) and read at the tail: growth of memory, open files',
  unit: 'MB',
  durability: 'leader',
  rounds: 1,
  bars: [valueAtMost('rss growth', 10), { ...valueAtMost('files', FILES_MAX), unit: 'files' }],
  ours,
}
