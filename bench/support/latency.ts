/** What a scenario of latencies shows of one turn. */
import type { OpenLoopResult } from '../load/openLoop.ts'
import type { Sample } from './scenario.ts'
import { twoDigits } from './statistics.ts'

export const latencySample = (result: Omit<OpenLoopResult, 'clientBusy'>): Sample => ({
  values: { p50: result.p50Ms, p99: result.p99Ms },
  notes: {
    'p99.9 ms': twoDigits(result.p999Ms),
    'max ms': twoDigits(result.maxMs),
    'reply p50 ms': twoDigits(result.replyP50Ms),
    'reply p99 ms': twoDigits(result.replyP99Ms),
    'server busy': twoDigits(result.serverBusy),
  },
})
