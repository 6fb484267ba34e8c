/** A soak from its first sample to its last. */
import { MINUTE_MS } from '../../src/kernel/units.ts'
import type { Progress } from '../support/progress.ts'
import type { Server } from '../support/servers.ts'
import { Live } from './live.ts'
import { LoadProcess } from './loadProcess.ts'
import type { SoakResult } from './result.ts'
import { type Sample, Sampler } from './sampling.ts'

export interface SoakPlan {
  readonly minutes: number
  /** Of them not judged. */
  readonly warmupMinutes: number
  readonly ratePerSecond: number
  readonly valueBytes: number
  readonly sampleMs: number
  /** How long whoever reads may take to finish when nothing is published any more. */
  readonly drainMs: number
}

export interface SoakSite {
  readonly server: Server
  readonly directory: string
  readonly progress: Progress
  readonly isTerminal: boolean
}

type Watched = Pick<SoakResult, 'samples' | 'counts' | 'problems' | 'left'>

/** Rejects when the daemon or the load ends before its time. */
export async function runSoak(plan: SoakPlan, site: SoakSite): Promise<Watched> {
  const { server, directory, progress, isTerminal } = site
  const url = `http://127.0.0.1:${server.port}`
  const { ratePerSecond, valueBytes, drainMs } = plan
  const load = new LoadProcess({ kind: 'start', url, ratePerSecond, valueBytes })
  const sampler = new Sampler({ url, directory, serverPid: server.pid, loadPid: load.pid })
  const live = new Live(progress, isTerminal, (plan.minutes * MINUTE_MS) / 1_000)
  const samples: Sample[] = []
  const startMs = performance.now()
  const untilMs = startMs + plan.minutes * MINUTE_MS
  for (let next = startMs + plan.sampleMs; next <= untilMs; next += plan.sampleMs) {
    await Promise.race([pause(next - performance.now()), load.failed])
    const sample = await sampler.take()
    samples.push(sample)
    live.show(sample, load.told)
  }
  progress.step('publishers stop; what is on its way is finished')
  const { counts, problems = {}, left } = await load.stop(drainMs)
  if (counts === undefined || left === undefined)
    throw new Error('the load said nothing of its end')
  return { samples, counts, problems, left }
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => void setTimeout(resolve, Math.max(0, ms)))
