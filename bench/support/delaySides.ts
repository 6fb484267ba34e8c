/** Sides of messages for later. */
import type { RushJob } from '../load/delaying.ts'
import type { BenchContext } from './context.ts'
import { startHttp } from './httpSides.ts'
import type { Side } from './scenario.ts'

const VALUE_BYTES = 100
const RUSH = { tiny: 1_000, quick: 100_000, standard: 200_000, full: 500_000 } as const
const BUSY_RUSH = 10_000
const STAGGER = { tiny: 100, quick: 5_000, standard: 10_000, full: 10_000 } as const
const RUSH_MS_MAX = 120_000

async function rush(
  context: BenchContext,
  job: Pick<RushJob, 'records' | 'isBusy'>,
): Promise<() => ReturnType<typeof context.load<'rush'>>> {
  const server = await startHttp(context, 'ours')
  return () =>
    context.load<'rush'>(
      { kind: 'rush', port: server.port, valueBytes: VALUE_BYTES, ...job },
      RUSH_MS_MAX,
    )
}

export async function rushing(context: BenchContext): Promise<Side> {
  const turn = await rush(context, { records: RUSH[context.settings.mode], isBusy: false })
  return async () => {
    const { recordsPerSecond, lastOutMs } = await turn()
    return { values: { rate: recordsPerSecond }, notes: { 'last out ms': lastOutMs } }
  }
}

export async function rushingBusy(context: BenchContext): Promise<Side> {
  const turn = await rush(context, { records: BUSY_RUSH, isBusy: true })
  return async () => {
    const { lastOutMs, publishedPerSecond } = await turn()
    const notes = { 'published/s': Math.round(publishedPerSecond) }
    return { values: { 'last out': lastOutMs }, notes }
  }
}

/** One message each millisecond. */
export async function staggered(context: BenchContext): Promise<Side> {
  const server = await startHttp(context, 'ours')
  const records = STAGGER[context.settings.mode]
  return async () => {
    const { p50Ms, p99Ms, maxMs } = await context.load<'stagger'>({
      ...{ kind: 'stagger', port: server.port, records, overMs: records, valueBytes: VALUE_BYTES },
    })
    return { values: { p99: p99Ms }, notes: { 'p50 ms': p50Ms, 'max ms': maxMs } }
  }
}
