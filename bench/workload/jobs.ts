/** What the two processes of a workload are asked; each does one side of it. */
import { type OpenPublishers, type Publish, type PublishedStats, Publishers } from './publishers.ts'
import { type OpenSubscribers, type ReceivedStats, Subscribers } from './subscribers.ts'

interface Plain<K extends string, R> {
  readonly job: { readonly kind: K }
  readonly result: R
}

export interface PublisherJobs {
  'open publishers': { job: OpenPublishers; result: undefined }
  publish: { job: Publish; result: undefined }
  hold: { job: { readonly kind: 'hold'; readonly isHeld: boolean }; result: undefined }
  'stop publishing': Plain<'stop publishing', PublishedStats>
  'look at published': Plain<'look at published', { readonly messages: number }>
  'take published': Plain<'take published', PublishedStats>
  'reset published': Plain<'reset published', undefined>
  'close publishers': Plain<'close publishers', undefined>
}

export interface SubscriberJobs {
  'open subscribers': { job: OpenSubscribers; result: undefined }
  pause: Plain<'pause', undefined>
  resume: Plain<'resume', undefined>
  'look at received': Plain<'look at received', { readonly messages: number }>
  'take received': Plain<'take received', ReceivedStats>
  'reset received': Plain<'reset received', undefined>
  'total received': Plain<'total received', ReceivedStats>
  'close subscribers': Plain<'close subscribers', undefined>
}

type Jobs = PublisherJobs & SubscriberJobs
type Kind = keyof Jobs
export type AnyJob = Jobs[Kind]['job']
type Runners = {
  readonly [K in Kind]: (job: Jobs[K]['job']) => Jobs[K]['result'] | Promise<Jobs[K]['result']>
}

let publishers: Publishers | undefined
let subscribers: Subscribers | undefined

function opened<T>(side: T | undefined): T {
  if (side === undefined) throw new Error('not opened yet')
  return side
}

const RUNNERS: Runners = {
  'open publishers': async (job) => {
    publishers = new Publishers(job)
    await publishers.probe()
    return undefined
  },
  publish: ({ perSecond }) => {
    opened(publishers).start(perSecond)
    return undefined
  },
  hold: ({ isHeld }) => {
    opened(publishers).hold(isHeld)
    return undefined
  },
  'stop publishing': async () => {
    await opened(publishers).stop()
    return opened(publishers).total()
  },
  'look at published': () => ({ messages: opened(publishers).messages }),
  'take published': () => opened(publishers).takePeriod(),
  'reset published': () => {
    opened(publishers).reset()
    return undefined
  },
  'close publishers': async () => {
    await publishers?.close()
    return undefined
  },
  'open subscribers': async (job) => {
    subscribers = new Subscribers(job)
    await subscribers.start()
    return undefined
  },
  pause: () => {
    opened(subscribers).pause()
    return undefined
  },
  resume: () => {
    opened(subscribers).resume()
    return undefined
  },
  'look at received': () => ({ messages: opened(subscribers).messages }),
  'take received': () => opened(subscribers).takePeriod(),
  'reset received': () => {
    opened(subscribers).reset()
    return undefined
  },
  'total received': () => opened(subscribers).total(),
  'close subscribers': async () => {
    await subscribers?.close()
    return undefined
  },
}

export const runJob = async <K extends Kind>(
  job: Jobs[K]['job'] & { readonly kind: K },
): Promise<Jobs[K]['result']> => await RUNNERS[job.kind](job)
