/** Every job that the client process takes, and what it answers. */

import {
  type AskJob,
  type PopulateJob,
  runAsk,
  runPopulate,
  runUrgent,
  type UrgentJob,
} from './asking.ts'
import { type ClientMemoryJob, type ClientMemoryResult, runClientMemory } from './clientMemory.ts'
import { type ClosedLoopJob, type ClosedLoopResult, runClosedLoop } from './closedLoop.ts'
import { type ConsumingJob, type ConsumingResult, runConsuming } from './consuming.ts'
import {
  type RushJob,
  type RushResult,
  runRush,
  runStagger,
  type StaggerJob,
  type StaggerResult,
} from './delaying.ts'
import { type FillingJob, runFilling } from './filling.ts'
import { type HandlingJob, runHandling } from './handling.ts'
import { type HogJob, type HogResult, runHog } from './hog.ts'
import { type IdlePollsJob, runIdlePolls, runWakeUp, type WakeUpJob } from './idlePolls.ts'
import { type JsonWorkJob, type JsonWorkResult, runJsonWork } from './jsonWork.ts'
import { type LeasingJob, runLeasing } from './leasing.ts'
import { type OpenLoopJob, type OpenLoopResult, runOpenLoop } from './openLoop.ts'
import {
  type PendingCallsJob,
  type PendingCallsResult,
  type PendingJob,
  runPending,
  runPendingCalls,
} from './pending.ts'
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
  rush: { job: RushJob; result: RushResult }
  stagger: { job: StaggerJob; result: StaggerResult }
  pending: { job: PendingJob; result: { pending: number } }
  'pending-calls': { job: PendingCallsJob; result: PendingCallsResult }
  populate: { job: PopulateJob; result: { windows: number } }
  ask: { job: AskJob; result: { p50Ms: number; p99Ms: number } }
  urgent: { job: UrgentJob; result: { ms: number } }
  hog: { job: HogJob; result: HogResult }
  'json-work': { job: JsonWorkJob; result: JsonWorkResult }
  'client-memory': { job: ClientMemoryJob; result: ClientMemoryResult }
}

export type JobKind = keyof Jobs
export type Job = Jobs[JobKind]['job']
export type JobResult = Jobs[JobKind]['result']

type Runners = { readonly [K in JobKind]: (job: Jobs[K]['job']) => Promise<Jobs[K]['result']> }

const RUNNERS: Runners = {
  'closed-loop': runClosedLoop,
  'open-loop': runOpenLoop,
  reading: runReading,
  'idle-polls': runIdlePolls,
  'wake-up': runWakeUp,
  'random-read': runRandomRead,
  filling: runFilling,
  producing: runProducing,
  consuming: runConsuming,
  handling: runHandling,
  'whole-path': runWholePath,
  working: runWorking,
  leasing: runLeasing,
  'json-work': runJsonWork,
  'client-memory': runClientMemory,
  rush: runRush,
  stagger: runStagger,
  pending: runPending,
  'pending-calls': runPendingCalls,
  populate: runPopulate,
  ask: runAsk,
  urgent: runUrgent,
  hog: runHog,
}

export const runJob = <K extends JobKind>(job: Jobs[K]['job'] & { readonly kind: K }) =>
  RUNNERS[job.kind](job)
