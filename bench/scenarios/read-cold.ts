import { statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { GiB } from '../../src/kernel/units.ts'
import type { ColdReadResult } from '../inProcess/coldRead.ts'
import type { BenchContext } from '../support/context.ts'
import { dropPageCache } from '../support/pageCache.ts'
import { type Sample, type Scenario, type Side, valueAtMost } from '../support/scenario.ts'

const VALUE_BYTES = 992
const RECORD_BYTES = 1_024
const BATCH = 1_000
const FILL_MS_MAX = 600_000

/** The log is made once and read by both sides. */
const stored = new WeakMap<BenchContext, Promise<string>>()

const dataOf = (context: BenchContext): Promise<string> => {
  const found = stored.get(context) ?? fill(context)
  stored.set(context, found)
  return found
}

async function fill(context: BenchContext): Promise<string> {
  const { coldBytes } = context.settings
  const { bavail, bsize } = statfsSync(tmpdir())
  if (bavail * bsize < 1.2 * coldBytes) throw new Error(`not enough room in ${tmpdir()}`)
  const directory = context.directory('cold')
  const server = await context.daemon({ directory })
  context.progress.step(`read-cold: storing ${Math.round(coldBytes / 2 ** 20)} MiB`)
  await context.load<'filling'>(
    {
      kind: 'filling',
      port: server.port,
      partitions: 1,
      records: Math.floor(coldBytes / RECORD_BYTES),
      batch: BATCH,
      valueBytes: VALUE_BYTES,
      acks: 'leader',
    },
    FILL_MS_MAX,
  )
  await server.stop()
  return directory
}

type Read = (seed: number) => Promise<ColdReadResult>

/** The same places twice: from the disk, then from the page cache. */
async function coldAndWarm(read: Read, seed: number): Promise<Sample> {
  const dropped = dropPageCache()
  const cold = await read(seed)
  const warm = await read(seed)
  return {
    values: { 'cold p50': cold.p50Ms },
    notes: {
      'page cache dropped': dropped ? 1 : 0,
      'cold p99 ms': cold.p99Ms,
      'cold max ms': cold.maxMs,
      'warm p50 ms': warm.p50Ms,
      'warm p99 ms': warm.p99Ms,
    },
  }
}

async function floor(context: BenchContext): Promise<Side> {
  const directory = await dataOf(context)
  const worker = context.inProcess(false)
  const reads = context.settings.coldReads
  const read: Read = (seed) =>
    worker.run<'floor-cold-read'>(
      { kind: 'floor-cold-read', directory, reads, seed },
      context.turnLimitMs,
    )
  let seed = 0
  return () => {
    seed += 2
    return coldAndWarm(read, seed)
  }
}

async function ours(context: BenchContext): Promise<Side> {
  const directory = await dataOf(context)
  const worker = context.inProcess(true)
  const reads = context.settings.coldReads
  const read: Read = (seed) =>
    worker.run<'our-cold-read'>(
      { kind: 'our-cold-read', directory, reads, seed },
      context.turnLimitMs,
    )
  let seed = 1
  return async () => {
    seed += 2
    const sample = await coldAndWarm(read, seed)
    const size = { 'log GiB': context.settings.coldBytes / GiB }
    const http = await overHttp(context, directory, seed)
    return { values: sample.values, notes: { ...sample.notes, ...http, ...size } }
  }
}

/** The same by the daemon, as a client sees it. */
async function overHttp(context: BenchContext, directory: string, seed: number) {
  const server = await context.daemon({ directory })
  dropPageCache()
  const reads = context.settings.coldReads
  const job = { kind: 'random-read', port: server.port, reads, seed } as const
  const cold = await context.load<'random-read'>(job)
  const warm = await context.load<'random-read'>(job)
  await server.stop()
  return { 'HTTP cold p50 ms': cold.p50Ms, 'HTTP warm p50 ms': warm.p50Ms }
}

export const scenario: Scenario = {
  name: 'read-cold',
  title:
    'One record of 1 KiB at a random offset of a 10 GiB log, by the engine: page cache dropped (cold) and not (warm); floor: a plain read of 4 KiB',
  unit: 'ms',
  durability: '–',
  bars: [valueAtMost('cold p50', 1)],
  floor,
  ours,
}
