/**
 * The process of the load. Told `start` it begins, tells each second what was done so far, and told `stop` it ends with
 * what was left. It ends with its parent, too.
 */
import { type Leftover, type Load, startLoad } from './load.ts'
import { type Counts, World } from './world.ts'

export type ToLoad =
  | {
      readonly kind: 'start'
      readonly url: string
      readonly ratePerSecond: number
      readonly valueBytes: number
    }
  | { readonly kind: 'stop'; readonly drainMs: number }

export interface FromLoad {
  readonly kind: 'progress' | 'stopped' | 'failed'
  readonly counts?: Counts
  readonly problems?: Readonly<Record<string, number>>
  readonly left?: Leftover
  readonly why?: string
}

const TELL_MS = 1_000

let world: World | undefined
let load: Promise<Load> | undefined

const tell = (message: FromLoad): void => {
  process.send?.({
    ...message,
    ...(world === undefined ? {} : { counts: world.counts, problems: world.problems }),
  })
}

async function take(message: ToLoad): Promise<void> {
  if (message.kind === 'start') {
    world = new World(message.url, message.ratePerSecond, message.valueBytes)
    load = startLoad(world)
    await load
    setInterval(() => tell({ kind: 'progress' }), TELL_MS)
    return
  }
  const left = await (await load)?.stop(message.drainMs)
  tell({ kind: 'stopped', ...(left === undefined ? {} : { left }) })
}

process.on('disconnect', () => process.exit(0))
process.on('message', (message: ToLoad) => {
  take(message).catch((error: unknown) =>
    tell({
      kind: 'failed',
      why: error instanceof Error ? (error.stack ?? error.message) : `${error}`,
    }),
  )
})
