import { openFiles, residentMb } from '../load/memory.ts'
import type { BenchContext } from '../support/context.ts'
import { startHttp } from '../support/httpSides.ts'
import { pause } from '../support/pause.ts'
import { type Scenario, type Side, valueAtMost } from '../support/scenario.ts'

const PARTITIONS = 1_000
const BATCH = 100
const VALUE_BYTES = 100
const IDLE_MS = 5_000
const FILL_MS_MAX = 300_000

async function ours(context: BenchContext): Promise<Side> {
  return async () => {
    const server = await startHttp(context, 'ours')
    const emptyMb = residentMb(server.pid)
    await context.load<'filling'>(
      {
        kind: 'filling',
        port: server.port,
        partitions: PARTITIONS,
        records: context.settings.storedRecords,
        batch: BATCH,
        valueBytes: VALUE_BYTES,
        acks: 'leader',
      },
      FILL_MS_MAX,
    )
    const values = { rss: residentMb(server.pid), files: openFiles(server.pid) }
    await pause(IDLE_MS)
    const idleMb = residentMb(server.pid)
    await server.stop()
    return { values, notes: { 'rss MB when empty': emptyMb, 'rss MB 5 s later': idleMb } }
  }
}

export const scenario: Scenario = {
  name: 'size-stored',
  title: '1,000,000 messages of 100 B stored in 1,000 open partitions: resident memory, open files',
  unit: 'MB',
  durability: 'leader',
  rounds: 1,
  bars: [valueAtMost('rss', 200), { ...valueAtMost('files', 1_100), unit: 'files' }],
  ours,
}
