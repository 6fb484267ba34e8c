/** Every job that the client process takes, and what it answers. */
import { type ClosedLoopJob, type ClosedLoopResult, runClosedLoop } from './closedLoop.ts'
import { type FillingJob, runFilling } from './filling.ts'
import { type OpenLoopJob, type OpenLoopResult, runOpenLoop } from './openLoop.ts'
import { type ReadingJob, type ReadingResult, runReading } from './reading.ts'

export interface Jobs {
  'closed-loop': { job: ClosedLoopJob; result: ClosedLoopResult }
  'open-loop': { job: OpenLoopJob; result: OpenLoopResult }
  reading: { job: ReadingJob; result: ReadingResult }
  filling: { job: FillingJob; result: { stored: number } }
}

export type JobKind = keyof Jobs
export type Job = Jobs[JobKind]['job']
export type JobResult = Jobs[JobKind]['result']

export function runJob(job: Job): Promise<JobResult> {
  switch (job.kind) {
    case 'closed-loop':
      return runClosedLoop(job)
    case 'open-loop':
      return runOpenLoop(job)
    case 'reading':
      return runReading(job)
    case 'filling':
      return runFilling(job)
  }
}
