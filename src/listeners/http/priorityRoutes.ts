/** `GET /priority/stats`: written by hand where it grows with the partitions, of which there may be thousands. */
import { formatTime, JSON_TYPE } from '../../api/index.ts'
import type { GroupLaneFigures, PartitionLaneFigures, PriorityFigures } from '../../broker/index.ts'
import { formatDurationMs } from '../../kernel/duration.ts'
import { PRIORITIES } from '../../kernel/priority.ts'
import { callerOf } from './caller.ts'
import type { RouteContext, Routes } from './routes.ts'

export const priorityRoutes = ({ broker }: RouteContext): Routes => ({
  'GET priorityStats': async (request, reply) => {
    const figures = await broker.call('priority.stats', {}, callerOf(request))
    reply.type(JSON_TYPE).send(statsText(figures))
  },
})

function statsText(figures: PriorityFigures): string {
  const { ready, inFlight, averageWaitMs, served, weights, groups, partitions } = figures
  const all = Array.from(served).reduce((sum, each) => sum + each, 0)
  const head = JSON.stringify({
    messages_by_priority: byPriority((lane) => ready[lane]),
    in_flight_by_priority: byPriority((lane) => inFlight[lane]),
    avg_wait_time_by_priority: byPriority((lane) => formatDurationMs(averageWaitMs[lane] ?? 0)),
    served_share_by_priority: byPriority((lane) =>
      all === 0 ? 0 : rounded((served[lane] ?? 0) / all),
    ),
    weights: byPriority((lane) => weights[lane]),
    groups: Object.fromEntries(groups.map((group) => [group.group, groupStats(group)])),
  })
  return `${head.slice(0, -1)},"topics":{${topicsText(partitions)}}}`
}

const byPriority = <T>(of: (lane: number) => T): Record<string, T> =>
  Object.fromEntries(PRIORITIES.map((name, lane) => [name, of(lane)]))

const groupStats = (group: GroupLaneFigures) => ({
  weights: byPriority((lane) => group.weights[lane]),
  boost: formatDurationMs(group.boostMs),
  boosts: group.boosts,
  low_lanes_share_max: group.lowLanesShareMax,
  slots: group.slots,
  low_lanes_max: group.lowLanesMax,
  in_flight: byPriority((lane) => group.inFlight[lane]),
})

/** Partitions of one topic come one behind the other. */
function topicsText(partitions: readonly PartitionLaneFigures[]): string {
  let text = ''
  let topic: string | undefined
  for (const figures of partitions) {
    if (figures.topic === topic) text += ','
    else {
      if (topic !== undefined) text += '},'
      topic = figures.topic
      text += `${JSON.stringify(topic)}:{`
    }
    text += `"${figures.partition}":{`
    for (let lane = 0; lane < PRIORITIES.length; lane += 1) {
      text += `${LANE_HEADS[lane]}${laneText(figures, lane)}`
    }
    text += '}'
  }
  return topic === undefined ? '' : `${text}}`
}

const LANE_HEADS = PRIORITIES.map((name, lane) => `${lane === 0 ? '' : ','}"${name}":`)

const IDLE = '{"ready":0,"in_flight":0,"enqueue_rate":0,"dequeue_rate":0,"last_served_at":null}'

function laneText(figures: PartitionLaneFigures, lane: number): string {
  const ready = figures.ready[lane] as number
  const inFlight = figures.inFlight[lane] as number
  const [enqueued, dequeued] = [
    figures.enqueueRate[lane] as number,
    figures.dequeueRate[lane] as number,
  ]
  const servedMs = figures.lastServedMs[lane] as number
  if (ready + inFlight + enqueued + dequeued + servedMs === 0) return IDLE
  const servedAt = servedMs === 0 ? 'null' : `"${formatTime(servedMs)}"`
  return (
    `{"ready":${ready},"in_flight":${inFlight},"enqueue_rate":${rounded(enqueued)},` +
    `"dequeue_rate":${rounded(dequeued)},"last_served_at":${servedAt}}`
  )
}

const rounded = (value: number): number => Math.round(value * 1_000) / 1_000
