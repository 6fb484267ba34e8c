import { residentMb } from '../load/memory.ts'
import type { BenchContext } from '../support/context.ts'
import { startHttp } from '../support/httpSides.ts'
import { type Scenario, type Side, valueAtMost } from '../support/scenario.ts'

const PARTITIONS = 100
const BATCH = 100
const VALUE_BYTES = 100
/** Enough that the most a member may hold, 100,000, is enough. */
const MEMBERS = 16
const LEASING_MS_MAX = 600_000

/** Resident memory once all of them are handed out, `batch` in each lease. */
async function held(context: BenchContext, batch: number): Promise<number> {
  const server = await startHttp(context, 'ours')
  const records = context.settings.storedRecords
  await context.load<'filling'>({
    ...{ kind: 'filling', port: server.port, partitions: PARTITIONS, records, batch: BATCH },
    ...{ valueBytes: VALUE_BYTES, acks: 'leader' },
  })
  await context.load<'leasing'>(
    { kind: 'leasing', port: server.port, records, batch, members: MEMBERS },
    LEASING_MS_MAX,
  )
  const rss = residentMb(server.pid)
  await server.stop()
  return rss
}

async function ours(context: BenchContext): Promise<Side> {
  return async () => ({
    values: { rss: await held(context, BATCH), 'rss of singles': await held(context, 1) },
  })
}

export const scenario: Scenario = {
  name: 'size-leases',
  title:
    '1,000,000 messages over 100 partitions handed out and not settled: resident memory, with 100 in a lease and with one',
  unit: 'MB',
  durability: 'leader',
  rounds: 1,
  bars: [valueAtMost('rss', 300), valueAtMost('rss of singles', 300)],
  ours,
}
