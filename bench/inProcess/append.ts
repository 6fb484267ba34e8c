/**
 * Appends of one process to one log, no network: floor-append and the engine.
 *
 * A turn is several repetitions of the same work: batches lie ready, the clock runs from the first append to the
 * last acknowledgement, the file or log is removed. A log takes over the bytes it is given and those it had are
 * free again when it is closed, so both sides use the same buffers in every repetition and none is copied.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { MiB } from '../../src/kernel/units.ts'
import type { Acks, LogEngine, PartitionLog } from '../../src/log/index.ts'
import { floorAppend } from '../floor/append.ts'
import { recordsOf } from '../load/requests.ts'
import { openEngine } from './engine.ts'

export interface AppendJob<K extends string = string> {
  readonly kind: K
  readonly directory: string
  readonly batch: number
  readonly valueBytes: number
  /** Appends under way at once. */
  readonly inFlight: number
  readonly acks: Acks
  readonly warmupMs: number
  readonly turnMs: number
}

export interface AppendResult {
  readonly recordsPerSecond: number
  readonly megabytesPerSecond: number
}

const REPETITION_BYTES = 128 * MiB
const SEGMENT_BYTES = 64 * MiB

let ready: { readonly shape: string; readonly batches: readonly Buffer[] } | undefined

/** The same buffers as long as the shape stays. */
function batchesOf(job: AppendJob): readonly Buffer[] {
  const shape = `${job.batch}×${job.valueBytes}`
  if (ready?.shape === shape) return ready.batches
  const template = recordsOf(job.batch, job.valueBytes)
  const count = Math.max(job.inFlight, Math.floor(REPETITION_BYTES / template.length))
  const batches = Array.from({ length: count }, () => Buffer.from(template))
  ready = { shape, batches }
  return batches
}

/** Repeats until the turn's time is filled; what took place in the warm-up is not counted. */
async function repeat(job: AppendJob, once: () => Promise<number>): Promise<AppendResult> {
  const batches = batchesOf(job)
  for (let ms = 0; ms < job.warmupMs; ) ms += await once()
  let elapsedMs = 0
  let repetitions = 0
  while (elapsedMs < job.turnMs) {
    elapsedMs += await once()
    repetitions += 1
  }
  const seconds = elapsedMs / 1_000
  const records = repetitions * batches.length * job.batch
  const bytes = repetitions * batches.length * (batches[0]?.length ?? 0)
  return { recordsPerSecond: records / seconds, megabytesPerSecond: bytes / seconds / 1e6 }
}

export function runFloorAppend(job: AppendJob): Promise<AppendResult> {
  const path = join(job.directory, 'floor.log')
  return repeat(job, async () => {
    const elapsedMs = await floorAppend(path, batchesOf(job), job.inFlight)
    rmSync(path)
    return elapsedMs
  })
}

export async function runOurAppend(job: AppendJob): Promise<AppendResult> {
  const engine = await openEngine(job.directory)
  let log = 0
  try {
    return await repeat(job, () => {
      log += 1
      return appendToNewLog(engine, `bench/${log}`, job)
    })
  } finally {
    await engine.close()
  }
}

async function appendToNewLog(engine: LogEngine, path: string, job: AppendJob): Promise<number> {
  const log = await engine.open(path, { segmentBytes: SEGMENT_BYTES })
  const batches = batchesOf(job)
  const startMs = performance.now()
  await appendAll(log, batches, job)
  const elapsedMs = performance.now() - startMs
  const { next } = log.offsets()
  await log.close()
  await engine.remove(path)
  const records = batches.length * job.batch
  if (next !== records) throw new Error(`${records} records appended, the log is at ${next}`)
  return elapsedMs
}

/** Keeps `inFlight` appends under way until all are acknowledged. */
function appendAll(log: PartitionLog, batches: readonly Buffer[], job: AppendJob): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    let next = 0
    let left = batches.length
    const appended = (): void => {
      left -= 1
      if (left === 0) resolve()
      else one()
    }
    const one = (): void => {
      const bytes = batches[next]
      if (bytes === undefined) return
      next += 1
      log.append({ bytes, count: job.batch }, job.acks).then(appended, reject)
    }
    for (let i = 0; i < job.inFlight; i += 1) one()
  })
}
