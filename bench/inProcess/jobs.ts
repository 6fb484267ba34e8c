/** Every job that is done without a network, in a process of its own. */
import { type AppendJob, type AppendResult, runFloorAppend, runOurAppend } from './append.ts'

export interface Jobs {
  'floor-append': { job: AppendJob<'floor-append'>; result: AppendResult }
  'our-append': { job: AppendJob<'our-append'>; result: AppendResult }
}

export type Job = Jobs[keyof Jobs]['job']
export type JobResult = Jobs[keyof Jobs]['result']

export function runJob(job: Job): Promise<JobResult> {
  switch (job.kind) {
    case 'floor-append':
      return runFloorAppend(job)
    case 'our-append':
      return runOurAppend(job)
  }
}
