import type { Broker, TopicView } from '../broker/index.ts'
import { diskSpace } from '../io/index.ts'
import { type HttpListener, SECONDS_BUCKETS } from '../listeners/http/index.ts'
import {
  type GroupLag,
  type HttpFigures,
  LAG_SERIES_MAX,
  type MetricSources,
  type StorageFigures,
  type TopicSize,
} from '../observability/index.ts'
import { SCRAPE_CALLER } from './meterCalls.ts'
import type { MeteredEngine } from './meteredEngine.ts'

/** The broker's own figures for a scrape; those of topics are missing while it starts or stops. */
export const brokerSources = (broker: Broker): Omit<MetricSources, 'http' | 'storage'> => ({
  topics: () => (broker.status().state === 'running' ? topicSizes(broker) : []),
  load: () => broker.load(),
  retention: () => broker.retentionFigures(),
  recovery: () => new Map([...broker.recoveryMs()].map(([room, ms]) => [room, ms / 1000])),
  unavailablePartitions: () => broker.status().problems.length,
  groups: () => broker.groupFigures(),
  groupLags: async () => (broker.status().state === 'running' ? await groupLags(broker) : []),
  deliveries: () => broker.deliveryFigures(),
  delays: () => broker.delayFigures(),
  priorities: () => broker.laneTotals(),
})

/** What the files hold, and the disk that they lie on. */
export const storageFigures = async (
  engine: MeteredEngine,
  directory: string,
): Promise<StorageFigures> => ({
  areas: engine.areas(),
  machines: engine.machines(),
  disk: await diskSpace(directory),
})

async function topicSizes(broker: Broker): Promise<readonly TopicSize[]> {
  const names = await broker.call('topics.list', {}, SCRAPE_CALLER)
  const views = await Promise.allSettled(
    names.map((name) => broker.call('topics.describe', { name }, SCRAPE_CALLER)),
  )
  // What was deleted meanwhile is left out.
  return views.flatMap((view) => (view.status === 'fulfilled' ? [sizeOf(view.value)] : []))
}

/** Others get their turn behind so many. */
const GROUPS_A_TURN = 50

async function groupLags(broker: Broker): Promise<readonly GroupLag[]> {
  const lags: GroupLag[] = []
  for (const [i, group] of (await broker.call('groups.list', {}, SCRAPE_CALLER)).entries()) {
    if (lags.length >= LAG_SERIES_MAX) break
    lags.push(...(await lagsOf(broker, group)))
    if (i % GROUPS_A_TURN === 0) await new Promise(setImmediate)
  }
  return lags.slice(0, LAG_SERIES_MAX)
}

/** None where the group was deleted meanwhile. */
async function lagsOf(broker: Broker, group: string): Promise<readonly GroupLag[]> {
  const asked = broker.call('groups.describe', { group }, SCRAPE_CALLER)
  const view = await asked.catch(() => undefined)
  return [...(view?.topics ?? [])].map(([topic, partitions]) => ({
    group,
    topic,
    members: view?.members.length ?? 0,
    messages: partitions.reduce((sum, { lag }) => sum + (lag ?? 0), 0),
  }))
}

const sizeOf = ({ name, partitions }: TopicView): TopicSize => ({
  topic: name,
  partitions: partitions.length,
  sizeBytes: partitions.reduce((sum, each) => sum + each.sizeBytes, 0),
  segments: partitions.reduce((sum, each) => sum + each.segments, 0),
  messages: partitions.reduce((sum, each) => sum + each.latest - each.earliest, 0),
})

export const httpFigures = (listener: HttpListener): HttpFigures => {
  const { requestsInFlight, longPollsWaiting, bytesInFlight, ...rest } = listener.stats()
  return {
    requestsInFlight,
    longPollsWaiting,
    bytesInFlight,
    clientErrors: rest.clientErrors,
    connectionsRefused: rest.connectionsRefused,
    refusals: rest.refusals,
    routes: rest.routes.map(({ method, path, requests, secondsCounts, secondsSum }) => ({
      method,
      route: path,
      outcomes: requests,
      seconds: { bounds: SECONDS_BUCKETS, counts: secondsCounts, sum: secondsSum },
    })),
  }
}
