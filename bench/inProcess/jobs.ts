/** Every job that is done without a network, in a process of its own. */

import { type AppendJob, type AppendResult, runFloorAppend, runOurAppend } from './append.ts'
import { type ColdReadJob, type ColdReadResult, runColdRead, runFloorColdRead } from './coldRead.ts'

export interface Jobs {
  'floor-append': { job: AppendJob<'floor-append'>; result: AppendResult }
  'our-append': { job: AppendJob<'our-append'>; result: AppendResult }
  'floor-cold-read': { job: ColdReadJob<'floor-cold-read'>; result: ColdReadResult }
  'our-cold-read': { job: ColdReadJob<'our-cold-read'>; result: ColdReadResult }
}

export type Job = Jobs[keyof Jobs]['job']
export type JobResult = Jobs[keyof Jobs]['result']

export function runJob(job: Job): Promise<JobResult> {
  switch (job.kind) {
    case 'floor-append':
      return runFloorAppend(job)
    case 'our-append':
      return runOurAppend(job)
    case 'floor-cold-read':
      return runFloorColdRead(job)
    case 'our-cold-read':
      return runColdRead(job)
  }
}
