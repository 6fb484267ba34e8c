/** What the process of the load is asked. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type Leftover, type Load, startLoad } from './load.ts'
import { type Counts, World } from './world.ts'

export interface StartLoad {
  readonly kind: 'start'
  readonly url: string
  readonly ratePerSecond: number
  readonly valueBytes: number
}

export interface Done {
  readonly counts: Counts
  /** What went wrong, by kind, and how often. */
  readonly problems: Readonly<Record<string, number>>
  /** Of this process, in MB of 10^6 bytes. */
  readonly heapMb: number
  /** The p99 of its event loop's lag since the last look, in milliseconds. */
  readonly lagMs: number
}

export interface Jobs {
  start: { job: StartLoad; result: undefined }
  look: { job: { readonly kind: 'look' }; result: Done }
  stop: {
    job: { readonly kind: 'stop'; readonly drainMs: number }
    result: Done & { readonly left: Leftover }
  }
}

type Runners = { readonly [K in keyof Jobs]: (job: Jobs[K]['job']) => Promise<Jobs[K]['result']> }

let world: World | undefined
let load: Load | undefined

const RESOLUTION_MS = 20
const NS_PER_MS = 1e6
const MB = 1e6
const loop = monitorEventLoopDelay({ resolution: RESOLUTION_MS })

/** As the daemon has it of itself. */
function takeLagMs(): number {
  const ms = loop.count === 0 ? 0 : loop.percentile(99) / NS_PER_MS
  loop.reset()
  return Math.max(0, ms - RESOLUTION_MS)
}

function done(): Done {
  if (world === undefined) throw new Error('nothing was started')
  const heapMb = process.memoryUsage().heapUsed / MB
  return { counts: world.counts, problems: world.problems, heapMb, lagMs: takeLagMs() }
}

const RUNNERS: Runners = {
  async start(job) {
    world = new World(job)
    loop.enable()
    load = await startLoad(world)
    return undefined
  },
  look: async () => done(),
  async stop({ drainMs }) {
    const left = await load?.stop(drainMs)
    if (left === undefined) throw new Error('nothing was started')
    return { ...done(), left }
  },
}

export const runJob = async <K extends keyof Jobs>(
  job: Jobs[K]['job'] & { readonly kind: K },
): Promise<Jobs[K]['result']> => await RUNNERS[job.kind](job)
