/** `npm run bench -- --workload file.yaml…`: workload files one after the other. */
import { readFileSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import type { ClientAcks } from '../../src/client/index.ts'
import { GiB } from '../../src/kernel/units.ts'
import { DataError } from '../support/command.ts'
import type { Progress } from '../support/progress.ts'
import { readWorkload, type Workload } from './file.ts'
import { choosePayload } from './payload.ts'
import type { WorkloadResult } from './result.ts'
import { runWorkload, type WorkloadRun } from './run.ts'

export interface WorkloadOptions {
  /** Instead of the length that the file says; the warm-up is then a fifth of it. */
  readonly minutes: number | undefined
  /** Instead of the backlog that the file says, of 2^30 bytes. */
  readonly backlogGiB: number | undefined
  readonly acks: ClientAcks
  readonly progress: Progress
}

const WARMUP_SHARE = 0.2
/** Disk that must stay free beside a backlog. */
const DISK_SHARE_MAX = 0.8

function shortened(workload: Workload, { minutes, backlogGiB }: WorkloadOptions): Workload {
  return {
    ...workload,
    consumerBacklogSizeGB: backlogGiB ?? workload.consumerBacklogSizeGB,
    ...(minutes === undefined
      ? {}
      : {
          testDurationMinutes: minutes,
          warmupDurationMinutes: Math.min(workload.warmupDurationMinutes, minutes * WARMUP_SHARE),
        }),
  }
}

function checkDisk({ consumerBacklogSizeGB }: Workload, path: string): void {
  const { bavail, bsize } = statfsSync(tmpdir())
  const freeGiB = (bavail * bsize) / GiB
  if (consumerBacklogSizeGB <= freeGiB * DISK_SHARE_MAX) return
  throw new DataError(
    `${path}: a backlog of ${consumerBacklogSizeGB} GiB does not fit ${tmpdir()} with ${Math.floor(freeGiB)} GiB free; --backlog-gib makes it smaller, TMPDIR places it elsewhere`,
  )
}

/** Everything that can be said before anything runs. Throws a DataError, and where the file cannot be read. */
export function prepare(path: string, options: WorkloadOptions): WorkloadRun {
  const read = readWorkload(readFileSync(path, 'utf8'), path)
  const workload = shortened(read.workload, options)
  checkDisk(workload, path)
  const { payload, notes } = choosePayload(workload, path)
  const changed = workload.testDurationMinutes !== read.workload.testDurationMinutes
  const shorter = changed
    ? [`${workload.testDurationMinutes} min instead of ${read.workload.testDurationMinutes}`]
    : []
  const less =
    workload.consumerBacklogSizeGB === read.workload.consumerBacklogSizeGB
      ? []
      : [
          `backlog of ${workload.consumerBacklogSizeGB} GiB instead of ${read.workload.consumerBacklogSizeGB}`,
        ]
  return {
    ...{ workload, payload, acks: options.acks, progress: options.progress },
    notes: [...read.notes, ...notes, ...shorter, ...less],
  }
}

/** All files are checked before the first of them runs. */
export async function runWorkloads(
  paths: readonly string[],
  options: WorkloadOptions,
): Promise<readonly WorkloadResult[]> {
  const runs = paths.map((path) => prepare(path, options))
  const results: WorkloadResult[] = []
  for (const run of runs) {
    options.progress.line(run.workload.name)
    for (const note of run.notes) options.progress.line(`  note: ${note}`)
    results.push(await runWorkload(run))
  }
  return results
}
