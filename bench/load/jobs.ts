/** Every job that the client process takes, and what it answers. */

import { type ClientMemoryJob, type ClientMemoryResult, runClientMemory } from './clientMemory.ts'
import { type ClosedLoopJob, type ClosedLoopResult, runClosedLoop } from './closedLoop.ts'
import { type ConsumingJob, type ConsumingResult, runConsuming } from './consuming.ts'
import { type FillingJob, runFilling } from './filling.ts'
import { type HandlingJob, runHandling } from './handling.ts'
import { type IdlePollsJob, runIdlePolls, runWakeUp, type WakeUpJob } from './idlePolls.ts'
import { type JsonWorkJob, type JsonWorkResult, runJsonWork } from './jsonWork.ts'
import { type LeasingJob, runLeasing } from './leasing.ts'
import { type OpenLoopJob, type OpenLoopResult, runOpenLoop } from './openLoop.ts'
import { type ProducingJob, type ProducingResult, runProducing } from './producing.ts'
import { type RandomReadJob, runRandomRead } from './randomRead.ts'
import { type ReadingJob, type ReadingResult, runReading } from './reading.ts'
import { runWholePath, type WholePathJob, type WholePathResult } from './wholePath.ts'
import { runWorking, type WorkingJob, type WorkingResult } from './working.ts'

export interface Jobs {
  'closed-loop': { job: ClosedLoopJob; result: ClosedLoopResult }
  'open-loop': { job: OpenLoopJob; result: OpenLoopResult }
  reading: { job: ReadingJob; result: ReadingResult }
  'idle-polls': { job: IdlePollsJob; result: { percentOfCore: number } }
  'wake-up': { job: WakeUpJob; result: { p50Ms: number; p99Ms: number } }
  'random-read': { job: RandomReadJob; result: { p50Ms: number; p99Ms: number } }
  filling: { job: FillingJob; result: { stored: number } }
  producing: { job: ProducingJob; result: ProducingResult }
  consuming: { job: ConsumingJob; result: ConsumingResult }
  handling: { job: HandlingJob; result: OpenLoopResult }
  'whole-path': { job: WholePathJob; result: WholePathResult }
  working: { job: WorkingJob; result: WorkingResult }
  leasing: { job: LeasingJob; result: { unresolved: number } }
  'json-work': { job: JsonWorkJob; result: JsonWorkResult }
  'client-memory': { job: ClientMemoryJob; result: ClientMemoryResult }
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
    case 'producing':
      return runProducing(job)
    case 'consuming':
      return runConsuming(job)
    case 'handling':
      return runHandling(job)
    case 'whole-path':
      return runWholePath(job)
    case 'working':
      return runWorking(job)
    case 'leasing':
      return runLeasing(job)
    case 'json-work':
      return runJsonWork(job)
    case 'client-memory':
      return runClientMemory(job)
  }
}
