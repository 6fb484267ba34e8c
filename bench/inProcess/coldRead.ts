/** Single records at random offsets of a large log, by the engine alone; and the floor, a plain read of 4 KiB. */
import { closeSync, openSync, read, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { MiB } from '../../src/kernel/units.ts'
import { decodeAll } from '../load/reading.ts'
import { seededRandom } from '../support/random.ts'
import { percentile } from '../support/statistics.ts'
import { openEngine } from './engine.ts'

export interface ColdReadJob<K extends string = string> {
  readonly kind: K
  /** A data directory of the daemon, stopped, with one topic of one partition. */
  readonly directory: string
  readonly reads: number
  readonly seed: number
}

export interface ColdReadResult {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

const SEGMENT_BYTES = 64 * MiB
const FLOOR_READ_BYTES = 4_096

const summary = (latenciesMs: Float64Array): ColdReadResult => {
  const sorted = latenciesMs.sort()
  return {
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    maxMs: percentile(sorted, 1),
  }
}

/** Opens the log, reads one record at a time at random offsets, and closes it. Opening is not timed. */
export async function runColdRead(job: ColdReadJob): Promise<ColdReadResult> {
  const engine = await openEngine(job.directory)
  try {
    const [topic] = await engine.list('topics')
    if (topic === undefined) throw new Error(`no topic in ${job.directory}`)
    const log = await engine.open(`topics/${topic}/0`, { segmentBytes: SEGMENT_BYTES })
    const { next, start } = log.offsets()
    const random = seededRandom(job.seed)
    const latenciesMs = new Float64Array(job.reads)
    for (let i = 0; i < job.reads; i += 1) {
      const offset = (start + Math.floor(random() * (next - start))) as typeof start
      const fromMs = performance.now()
      const { bytes } = await log.read(offset, { maxBytes: 1, maxRecords: 1 })
      latenciesMs[i] = performance.now() - fromMs
      if (decodeAll(bytes, offset) !== 1) throw new Error(`offset ${offset}: not one record`)
    }
    return summary(latenciesMs)
  } finally {
    await engine.close()
  }
}

const readAt = (fd: number, into: Buffer, position: number): Promise<number> =>
  new Promise((resolve, reject) => {
    read(fd, into, 0, into.length, position, (error, bytes) =>
      error ? reject(error) : resolve(bytes),
    )
  })

/** 4 KiB at random positions of the same segment files, opened before: what the disk alone takes. */
export async function runFloorColdRead(job: ColdReadJob): Promise<ColdReadResult> {
  const files = readdirSync(join(job.directory, 'topics'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.log'))
    .map((name) => join(job.directory, 'topics', name))
    .map((path) => ({ fd: openSync(path, 'r'), bytes: statSync(path).size }))
  const random = seededRandom(job.seed)
  const into = Buffer.allocUnsafe(FLOOR_READ_BYTES)
  const latenciesMs = new Float64Array(job.reads)
  for (let i = 0; i < job.reads; i += 1) {
    const file = files[Math.floor(random() * files.length)]
    if (file === undefined) throw new Error(`no segments in ${job.directory}`)
    const position = Math.floor(random() * Math.max(1, file.bytes - into.length))
    const fromMs = performance.now()
    await readAt(file.fd, into, position)
    latenciesMs[i] = performance.now() - fromMs
  }
  for (const { fd } of files) closeSync(fd)
  return summary(latenciesMs)
}
