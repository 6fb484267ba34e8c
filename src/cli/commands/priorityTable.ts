/** Figures of priority lanes as tables: of all topics together with a bar for what waits, then topic by topic. */
import type { PriorityStats } from '../../client/index.ts'
import { PRIORITIES, type PriorityName } from '../../kernel/priority.ts'
import { type Cell, humanCount, type Output } from '../output.ts'

const BAR_CELLS = 20
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

/** The lanes of one partition. */
type Lanes = PriorityStats['topics'][string][string]
type Figure = 'ready' | 'in_flight' | 'enqueue_rate' | 'dequeue_rate'

export function showPriorities(out: Output, stats: PriorityStats, topic?: string): void {
  showLanes(out, stats)
  showTopics(out, stats)
  showGroups(out, stats)
  if (topic !== undefined) showPartitions(out, topic, stats.topics[topic] ?? {})
}

function showLanes(out: Output, stats: PriorityStats): void {
  const all = Object.values(stats.topics).flatMap((partitions) => Object.values(partitions))
  const waiting = PRIORITIES.map((name) => stats.messages_by_priority[name])
  const most = Math.max(...waiting)
  out.table(
    ['priority', 'ready', '', 'in flight', 'in/s', 'out/s', 'wait', 'served', 'weight'],
    PRIORITIES.map((name, lane) => [
      painted(out, name),
      humanCount(waiting[lane] ?? 0),
      bar(waiting[lane] ?? 0, most),
      humanCount(stats.in_flight_by_priority[name]),
      rate(sum(all, name, 'enqueue_rate')),
      rate(sum(all, name, 'dequeue_rate')),
      stats.avg_wait_time_by_priority[name],
      percent(stats.served_share_by_priority[name]),
      stats.weights[name],
    ]),
  )
}

function showTopics(out: Output, { topics }: PriorityStats): void {
  const rows = Object.entries(topics).flatMap(([topic, partitions]) => {
    const lanes = Object.values(partitions)
    const ready = PRIORITIES.map((name) => sum(lanes, name, 'ready'))
    const held = PRIORITIES.reduce((held, name) => held + sum(lanes, name, 'in_flight'), 0)
    return ready.some((count) => count > 0) || held > 0 ? [readyRow([topic], ready, held)] : []
  })
  if (rows.length === 0) return
  out.line('')
  out.table(['topic', ...PRIORITIES, 'in flight'], rows)
}

function showGroups(out: Output, { groups }: PriorityStats): void {
  const rows = Object.entries(groups).map(([group, figures]) => {
    const held = PRIORITIES.map((name) => humanCount(figures.in_flight[name]))
    const low = figures.in_flight.low + figures.in_flight.background
    return [group, ...held, figures.slots, `${low} of ${figures.low_lanes_max}`, figures.boosts]
  })
  if (rows.length === 0) return
  out.line('')
  out.table(['in flight of', ...PRIORITIES, 'slots', 'low lanes', 'boosts'], rows)
}

function showPartitions(out: Output, topic: string, partitions: Record<string, Lanes>): void {
  const rows = Object.entries(partitions).map(([partition, lanes]) => {
    const ready = PRIORITIES.map((name) => sum([lanes], name, 'ready'))
    const held = PRIORITIES.reduce((held, name) => held + sum([lanes], name, 'in_flight'), 0)
    return readyRow([Number(partition)], ready, held)
  })
  out.line('')
  if (rows.length === 0) out.note(`no group takes from ${topic} by priority`)
  else out.table(['partition', ...PRIORITIES, 'in flight'], rows)
}

const readyRow = (head: readonly Cell[], ready: readonly number[], held: number): Cell[] => [
  ...head,
  ...ready.map(humanCount),
  humanCount(held),
]

function sum(all: readonly Lanes[], name: PriorityName, figure: Figure): number {
  return all.reduce((total, lanes) => total + lanes[name][figure], 0)
}

/** An eighth of a cell is the least that is shown of anything. */
function bar(count: number, most: number): string {
  if (count === 0) return ''
  const eighths = Math.max(1, Math.round((count / most) * BAR_CELLS * 8))
  return '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '')
}

function painted({ colours }: Output, name: PriorityName): string {
  if (name === 'critical') return colours.red(name)
  if (name === 'high') return colours.yellow(name)
  return name === 'normal' ? name : colours.dim(name)
}

const rate = (perSecond: number): string =>
  perSecond === 0 || perSecond >= 100 ? humanCount(Math.round(perSecond)) : perSecond.toFixed(1)

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
