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
    // Names are ASCII, so that all of it is: the cheapest way to make bytes of half a megabyte of text.
    reply.type(JSON_TYPE).send(Buffer.from(statsText(figures), 'latin1'))
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
    text += `"${figures.partition}":${lanesText(figures)}`
  }
  return topic === undefined ? '' : `${text}}`
}

/** Most partitions know but one lane: what is idle before it and behind it is one piece of text. */
function lanesText(figures: PartitionLaneFigures): string {
  let text = ''
  let from = 0
  for (let lane = 0; lane < PRIORITIES.length; lane += 1) {
    if (isIdle(figures, lane)) continue
    text += `${idleText(from, lane)}${LANE_HEADS[lane]}${laneText(figures, lane)}`
    from = lane + 1
  }
  return from === 0 ? ALL_IDLE : `${text}${idleText(from, PRIORITIES.length)}}`
}

const LANE_HEADS = PRIORITIES.map((name, lane) => `${lane === 0 ? '{' : ','}"${name}":`)

const IDLE = '{"ready":0,"in_flight":0,"enqueue_rate":0,"dequeue_rate":0,"last_served_at":null}'

/** Of the lanes from `from` up to `to`, which is not among them. */
const idleText = (from: number, to: number): string => (IDLE_TEXTS[from] as string[])[to] as string

const IDLE_TEXTS = [...PRIORITIES, ''].map((_, from) =>
  [...PRIORITIES, ''].map((_, to) =>
    LANE_HEADS.slice(from, to)
      .map((head) => `${head}${IDLE}`)
      .join(''),
  ),
)

const ALL_IDLE = `${idleText(0, PRIORITIES.length)}}`

const isIdle = (figures: PartitionLaneFigures, lane: number): boolean =>
  figures.ready[lane] === 0 &&
  figures.inFlight[lane] === 0 &&
  figures.lastServedMs[lane] === 0 &&
  figures.enqueueRate[lane] === 0 &&
  figures.dequeueRate[lane] === 0

function laneText(figures: PartitionLaneFigures, lane: number): string {
  const servedMs = figures.lastServedMs[lane] as number
  const servedAt = servedMs === 0 ? 'null' : `"${formatTime(servedMs)}"`
  return (
    `{"ready":${figures.ready[lane]},"in_flight":${figures.inFlight[lane]},` +
    `"enqueue_rate":${rounded(figures.enqueueRate[lane])},` +
    `"dequeue_rate":${rounded(figures.dequeueRate[lane])},"last_served_at":${servedAt}}`
  )
}

const rounded = (value: number | undefined): number => Math.round((value ?? 0) * 1_000) / 1_000
