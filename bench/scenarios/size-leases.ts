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

async function ours(context: BenchContext): Promise<Side> {
  return async () => {
    const server = await startHttp(context, 'ours')
    const records = context.settings.storedRecords
    await context.load<'filling'>({
      ...{ kind: 'filling', port: server.port, partitions: PARTITIONS, records, batch: BATCH },
      ...{ valueBytes: VALUE_BYTES, acks: 'leader' },
    })
    const storedMb = residentMb(server.pid)
    await context.load<'leasing'>(
      { kind: 'leasing', port: server.port, records, members: MEMBERS },
      LEASING_MS_MAX,
    )
    const rss = residentMb(server.pid)
    await server.stop()
    return { values: { rss }, notes: { 'rss MB before': storedMb } }
  }
}

export const scenario: Scenario = {
  name: 'size-leases',
  title:
    '1,000,000 messages over 100 partitions handed out and not settled, each by a lease of its own: resident memory',
  unit: 'MB',
  durability: 'leader',
  rounds: 1,
  bars: [valueAtMost('rss', 300)],
  ours,
}
