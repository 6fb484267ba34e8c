/** Records of a delay log by their offsets: neighbours are read together, a gap of a few read over. */
import { BrokerError } from '../kernel/errors.ts'
import { KiB, offset } from '../kernel/units.ts'
import { recordLength, recordOffset } from '../record/index.ts'
import type { Partition } from '../topics/index.ts'

/** Bytes that are read over rather than asked for anew: a read costs what 10 to 50 KiB cost. */
const GAP_BYTES = 8 * KiB
const CONCURRENCY = 64

export interface FoundRecord {
  readonly bytes: Buffer
  readonly at: number
}

/**
 * Those of the records at `offsets` that are there and readable. One read takes about `maxBytes`, or one record.
 * Rejects where the disk or the partition fails; bytes that are no records are left out instead.
 */
export async function readRecords(
  log: Partition,
  offsets: readonly number[],
  maxBytes: number,
): Promise<ReadonlyMap<number, FoundRecord>> {
  const found = new Map<number, FoundRecord>()
  const wanted = Float64Array.from(offsets).sort()
  const gapMax = Math.max(1, Math.floor(GAP_BYTES / recordBytesMean(log)))
  const runs: number[][] = []
  let [run, last]: [number[], number] = [[], Number.NEGATIVE_INFINITY]
  for (const each of wanted) {
    if (each - last > gapMax) {
      run = []
      runs.push(run)
    }
    run.push(each)
    last = each
  }
  for (let i = 0; i < runs.length; i += CONCURRENCY) {
    const group = runs.slice(i, i + CONCURRENCY)
    await Promise.all(group.map((run) => readRun(log, run, { maxBytes, found })))
  }
  return found
}

/** Bytes of a record of this log, on the average; at least 1. */
export function recordBytesMean(log: Partition): number {
  const { earliest, latest, sizeBytes } = log.view()
  return Math.max(1, sizeBytes / Math.max(1, latest - earliest))
}

interface RunTarget {
  readonly maxBytes: number
  readonly found: Map<number, FoundRecord>
}

async function readRun(log: Partition, run: readonly number[], target: RunTarget): Promise<void> {
  const first = run[0] as number
  const end = (run.at(-1) as number) + 1
  try {
    await readSpan(log, { wanted: new Set(run), first, end }, target)
  } catch (error) {
    if (!isUnreadable(error)) throw error
    // One of them is no record: each is tried alone, and the ones that are not there are left out.
    if (run.length === 1) return
    for (const each of run) await readRun(log, [each], target)
  }
}

interface Span {
  readonly wanted: ReadonlySet<number>
  readonly first: number
  readonly end: number
}

async function readSpan(
  log: Partition,
  { wanted, first, end }: Span,
  { maxBytes, found }: RunTarget,
): Promise<void> {
  for (let from = first; from < end; ) {
    const { bytes, nextOffset } = await log.read(offset(from), { maxBytes, maxRecords: end - from })
    for (let at = 0; at < bytes.length; at += recordLength(bytes, at)) {
      const each = recordOffset(bytes, at)
      if (wanted.has(each)) found.set(each, { bytes, at })
    }
    from = Math.max(nextOffset, from + 1)
  }
}

const isUnreadable = (error: unknown): boolean =>
  error instanceof BrokerError &&
  (error.code === 'LOG_CORRUPT' || error.code === 'OFFSET_OUT_OF_RANGE')
