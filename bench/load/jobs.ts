/** Every job that the client process takes, and what it answers. */
import { type ClosedLoopJob, type ClosedLoopResult, runClosedLoop } from './closedLoop.ts'
import { type FillingJob, runFilling } from './filling.ts'
import { type IdlePollsJob, runIdlePolls, runWakeUp, type WakeUpJob } from './idlePolls.ts'
import { type OpenLoopJob, type OpenLoopResult, runOpenLoop } from './openLoop.ts'
import { type RandomReadJob, runRandomRead } from './randomRead.ts'
import { type ReadingJob, type ReadingResult, runReading } from './reading.ts'

export interface Jobs {
  'closed-loop': { job: ClosedLoopJob; result: ClosedLoopResult }
  'open-loop': { job: OpenLoopJob; result: OpenLoopResult }
  reading: { job: ReadingJob; result: ReadingResult }
  'idle-polls': { job: IdlePollsJob; result: { percentOfCore: number } }
  'wake-up': { job: WakeUpJob; result: { p50Ms: number; p99Ms: number } }
  'random-read': { job: RandomReadJob; result: { p50Ms: number; p99Ms: number } }
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
    case 'idle-polls':
      return runIdlePolls(job)
    case 'wake-up':
      return runWakeUp(job)
    case 'random-read':
      return runRandomRead(job)
    case 'filling':
      return runFilling(job)
  }
}
