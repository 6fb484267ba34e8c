/**
 * The figures of priorities as JSON, written byte by byte: a broker of a thousand partitions says half a megabyte, and
 * as a string it would be put together of some 20,000 pieces first.
 */
import { formatTime } from '../../api/index.ts'
import type { GroupLaneFigures, PartitionLaneFigures, PriorityFigures } from '../../broker/index.ts'
import { formatDurationMs } from '../../kernel/duration.ts'
import { PRIORITIES } from '../../kernel/priority.ts'
import type { JsonOutput } from './read/jsonOutput.ts'

const literal = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text))

const LANE_HEADS = PRIORITIES.map((name, lane) => `${lane === 0 ? '{' : ','}"${name}":`)
const IDLE = '{"ready":0,"in_flight":0,"enqueue_rate":0,"dequeue_rate":0,"last_served_at":null}'
/** By the first lane, and the lane behind the last one: what to say of lanes in which nothing is and was. */
const IDLE_LANES = [...PRIORITIES, ''].map((_, from) =>
  [...PRIORITIES, ''].map((_, to) =>
    literal(
      LANE_HEADS.slice(from, to)
        .map((head) => `${head}${IDLE}`)
        .join(''),
    ),
  ),
)
const READY = LANE_HEADS.map((head) => literal(`${head}{"ready":`))
const IN_FLIGHT = literal(',"in_flight":')
const ENQUEUE_RATE = literal(',"enqueue_rate":')
const DEQUEUE_RATE = literal(',"dequeue_rate":')
const LAST_SERVED_AT = literal(',"last_served_at":')
const [QUOTE, COLON, COMMA, CLOSE] = [literal('"'), literal('":'), literal(','), literal('}')]
/** A partition with numbers in all of its lanes. */
const PARTITION_BYTES_MAX = 2_048

/** Where the one that writes now writes to. */
let output: JsonOutput
let timeMs = 0
let timeText = literal('null')

/** Writes the body of the reply, from the beginning of `to` on. */
export function writePriorityStats(figures: PriorityFigures, to: JsonOutput): void {
  output = to
  output.rewind(0)
  output.putText(`${headText(figures)},"groups":{`)
  figures.groups.forEach((group, i) => {
    output.putText(`${i === 0 ? '' : ','}${groupText(group)}`)
  })
  output.putText('},"topics":{')
  putTopics(figures.partitions)
  output.putText('}}')
}

function headText({ ready, inFlight, averageWaitMs, served, weights }: PriorityFigures): string {
  const all = Array.from(served).reduce((sum, each) => sum + each, 0)
  const shares = Array.from(served, (each) => (all === 0 ? 0 : thousandths(each / all) / 1_000))
  const waits = averageWaitMs.map((ms) => `"${formatDurationMs(ms)}"`)
  return (
    `{"messages_by_priority":${lanesText(ready)},"in_flight_by_priority":${lanesText(inFlight)},` +
    `"avg_wait_time_by_priority":${lanesText(waits)},` +
    `"served_share_by_priority":${lanesText(shares)},"weights":${lanesText(weights)}`
  )
}

function groupText(figures: GroupLaneFigures): string {
  const { group, weights, boostMs, boosts, lowLanesShareMax, slots, lowLanesMax } = figures
  return (
    `${JSON.stringify(group)}:{"weights":${lanesText(weights)},` +
    `"boost":"${formatDurationMs(boostMs)}","boosts":${boosts},` +
    `"low_lanes_share_max":${lowLanesShareMax},"slots":${slots},` +
    `"low_lanes_max":${lowLanesMax},"in_flight":${lanesText(figures.inFlight)}}`
  )
}

/** An object of numbers, or of texts that are JSON already, by the names of the lanes. */
function lanesText(each: readonly (number | string)[]): string {
  let text = ''
  for (let lane = 0; lane < LANE_HEADS.length; lane += 1) text += `${LANE_HEADS[lane]}${each[lane]}`
  return `${text}}`
}

/** Partitions of one topic come one behind the other. */
function putTopics(partitions: readonly PartitionLaneFigures[]): void {
  let topic: string | undefined
  for (const figures of partitions) {
    if (figures.topic !== topic) {
      output.putText(`${topic === undefined ? '' : '},'}${JSON.stringify(figures.topic)}:{`)
      output.reserve(PARTITION_BYTES_MAX, 0)
    } else {
      output.reserve(PARTITION_BYTES_MAX, 0)
      output.put(COMMA)
    }
    topic = figures.topic
    output.put(QUOTE)
    output.putInteger(figures.partition)
    output.put(COLON)
    putLanes(figures)
  }
  if (topic !== undefined) output.putText('}')
}

/** Most partitions know but one lane: what is idle before it and behind it is one piece of text. */
function putLanes(figures: PartitionLaneFigures): void {
  let from = 0
  for (let lane = 0; lane < PRIORITIES.length; lane += 1) {
    if (isIdle(figures, lane)) continue
    putIdle(from, lane)
    putLane(figures, lane)
    from = lane + 1
  }
  putIdle(from, PRIORITIES.length)
  output.put(CLOSE)
}

/** Of the lanes from `from` up to `to`, which is not among them. */
function putIdle(from: number, to: number): void {
  if (from < to) output.putLong(IDLE_LANES[from]?.[to] as Uint8Array)
}

const isIdle = (figures: PartitionLaneFigures, lane: number): boolean =>
  figures.ready[lane] === 0 &&
  figures.inFlight[lane] === 0 &&
  figures.lastServedMs[lane] === 0 &&
  figures.enqueueRate[lane] === 0 &&
  figures.dequeueRate[lane] === 0

function putLane(figures: PartitionLaneFigures, lane: number): void {
  output.put(READY[lane] as Uint8Array)
  output.putInteger(figures.ready[lane] as number)
  output.put(IN_FLIGHT)
  output.putInteger(figures.inFlight[lane] as number)
  output.put(ENQUEUE_RATE)
  output.putThousandths(thousandths(figures.enqueueRate[lane] as number))
  output.put(DEQUEUE_RATE)
  output.putThousandths(thousandths(figures.dequeueRate[lane] as number))
  output.put(LAST_SERVED_AT)
  putTime(figures.lastServedMs[lane] as number)
  output.put(CLOSE)
}

/** What one poll was handed bears one time. */
function putTime(servedMs: number): void {
  if (servedMs !== timeMs) {
    timeMs = servedMs
    timeText = literal(servedMs === 0 ? 'null' : `"${formatTime(servedMs)}"`)
  }
  output.put(timeText)
}

const thousandths = (value: number): number => Math.round(value * 1_000)
