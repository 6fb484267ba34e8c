/** A soak from its first sample to its last. */
import { MINUTE_MS, SECOND_MS } from '../../src/kernel/units.ts'
import { pause } from '../support/pause.ts'
import type { Progress } from '../support/progress.ts'
import type { Server } from '../support/servers.ts'
import { Worker } from '../support/worker.ts'
import { Live } from './live.ts'
import type { Jobs } from './load/jobs.ts'
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

/** The load answers at once; it may wait for calls under way where it stops. */
const ANSWER_MS_MAX = 2 * MINUTE_MS

type Watched = Pick<SoakResult, 'samples' | 'counts' | 'problems' | 'left'>

/** Rejects when the daemon or the load ends before its time. */
export async function runSoak(plan: SoakPlan, site: SoakSite): Promise<Watched> {
  const { server, directory, progress, isTerminal } = site
  const url = `http://127.0.0.1:${server.port}`
  const { ratePerSecond, valueBytes, drainMs } = plan
  const load = new Worker<Jobs>({ script: 'soak/load/main.js' })
  try {
    await load.run<'start'>({ kind: 'start', url, ratePerSecond, valueBytes }, ANSWER_MS_MAX)
    const sampler = new Sampler({ url, directory, serverPid: server.pid, loadPid: load.pid })
    const live = new Live(progress, isTerminal, (plan.minutes * MINUTE_MS) / SECOND_MS)
    const samples: Sample[] = []
    const startMs = performance.now()
    const untilMs = startMs + plan.minutes * MINUTE_MS
    for (let next = startMs + plan.sampleMs; next <= untilMs; next += plan.sampleMs) {
      await pause(next - performance.now())
      const done = await load.run<'look'>({ kind: 'look' }, ANSWER_MS_MAX)
      const sample = await sampler.take(done)
      samples.push(sample)
      live.show(sample, done)
    }
    progress.step('publishers stop; what is on its way is finished')
    const stop = { kind: 'stop', drainMs } as const
    const { counts, problems, left } = await load.run<'stop'>(stop, drainMs + ANSWER_MS_MAX)
    return { samples, counts, problems, left }
  } finally {
    await load.close()
  }
}
