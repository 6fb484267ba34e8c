/** What the process of the load is asked. */
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

function done(): Done {
  if (world === undefined) throw new Error('nothing was started')
  return { counts: world.counts, problems: world.problems }
}

const RUNNERS: Runners = {
  async start(job) {
    world = new World(job)
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
