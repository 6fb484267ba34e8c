/** The figures of `goqueue top` as lines of text, as many and as wide as the terminal takes. */
import { PRIORITIES } from '../../kernel/priority.ts'
import { humanBytes, humanCount, type Output, plural } from '../output.ts'
import { type Column, flowed, type Paint, type TableCell, tableLines } from './columns.ts'
import type { GroupFigures, TopFigures, TopicFigures } from './figures.ts'

export const SORTS = ['busy', 'lag', 'size', 'name'] as const
export type Sort = (typeof SORTS)[number]

export interface Screen {
  readonly columns: number
  /** Undefined: as many as it takes. */
  readonly rows: number | undefined
  readonly colours: Output['colours']
}

const SORTED_BY: Readonly<Record<Sort, (topic: TopicFigures) => number>> = {
  busy: (topic) => topic.in_rate + topic.out_rate,
  lag: ({ lag }) => lag,
  size: ({ size_bytes }) => size_bytes,
  name: () => 0,
}
/** Headings, empty lines, and what says that there is more. */
const FRAME_LINES = 6
const SLOW_LOOP_SECONDS = 0.1
const DISK_LOW_BYTES = 1024 ** 3

export function screenLines(figures: TopFigures, sort: Sort, screen: Screen): readonly string[] {
  const head = headLines(figures, screen)
  const room = Math.max(2, (screen.rows ?? Number.POSITIVE_INFINITY) - head.length - FRAME_LINES)
  const groups = byLag(figures.groups)
  const groupRows = Math.min(groups.length, Math.max(1, Math.floor(room / 3)))
  const topics = byFigure(figures.topics, SORTED_BY[sort])
  const topicRows = Math.min(topics.length, Math.max(1, room - groupRows))
  const { dim } = screen.colours
  const style = { width: screen.columns, dim }
  return [
    ...head,
    '',
    ...(topics.length === 0
      ? [dim('no topics yet: goqueue topic create')]
      : tableLines(topicColumns(screen), topics.slice(0, topicRows), style)),
    ...rest(topics.length - topicRows, 'topic', dim),
    ...(groups.length === 0
      ? []
      : ['', ...tableLines(groupColumns(screen), groups.slice(0, groupRows), style)]),
    ...rest(groups.length - groupRows, 'group', dim),
  ]
}

function headLines(
  { traffic, process, deliveries, delayed, lanes }: TopFigures,
  { colours, columns }: Screen,
): readonly string[] {
  const { red, yellow } = colours
  const flow = (facts: readonly (TableCell | string)[]): readonly string[] =>
    flowed(
      facts.map((fact) => (typeof fact === 'string' ? { text: fact } : fact)),
      columns,
    )
  const worry = (text: string, isBad: boolean, paint: Paint = yellow): TableCell => ({
    text,
    paint: isBad ? paint : undefined,
  })
  const { disk_free_bytes, open_files, partitions_unavailable } = process
  return [
    ...flow([
      `in ${rate(traffic.in_rate)}/s (${humanBytes(traffic.in_bytes_rate)}/s)`,
      `out ${rate(traffic.out_rate)}/s (${humanBytes(traffic.out_bytes_rate)}/s)`,
      `requests ${rate(traffic.request_rate)}/s`,
      worry(`refused ${rate(traffic.refusal_rate)}/s`, traffic.refusal_rate > 0),
      `publish p99 ${span(traffic.publish_p99_seconds)}`,
      `sync p99 ${span(traffic.sync_p99_seconds)}`,
    ]),
    ...flow([
      `held ${humanCount(deliveries.in_flight)}`,
      `acked ${rate(deliveries.ack_rate)}/s`,
      `nacked ${rate(deliveries.nack_rate)}/s`,
      worry(`expired ${rate(deliveries.expiry_rate)}/s`, deliveries.expiry_rate > 0),
      `backoff ${humanCount(deliveries.backoff)}`,
      worry(`dead ${humanCount(deliveries.dead_letters)}`, deliveries.dead_letters > 0),
      `delayed ${humanCount(delayed.pending)}`,
      `fired ${rate(delayed.delivery_rate)}/s, late p99 ${span(delayed.lateness_p99_seconds)}`,
    ]),
    ...flow([
      'lanes:',
      ...PRIORITIES.map((name) => {
        const { ready, served_rate } = lanes[name]
        return `${name} ${humanCount(ready)} (${rate(served_rate)}/s)`
      }),
    ]),
    ...flow([
      `cpu ${process.cpu_cores.toFixed(2)}`,
      `memory ${humanBytes(process.memory_bytes)} (heap ${humanBytes(process.heap_bytes)})`,
      worry(
        `event loop p99 ${span(process.event_loop_lag_seconds)}`,
        process.event_loop_lag_seconds > SLOW_LOOP_SECONDS,
      ),
      `polls ${humanCount(process.polls_waiting)}`,
      ...(open_files === null ? [] : [`files ${humanCount(open_files)}`]),
      ...(disk_free_bytes === null
        ? []
        : [
            worry(
              `disk free ${humanBytes(disk_free_bytes)}`,
              disk_free_bytes < DISK_LOW_BYTES,
              red,
            ),
          ]),
      ...(partitions_unavailable === 0
        ? []
        : [worry(`${plural(partitions_unavailable, 'partition')} not serving`, true, red)]),
    ]),
  ]
}

const topicColumns = ({ colours }: Screen): readonly Column<TopicFigures>[] => [
  { heading: 'topic', rank: 0, cell: ({ topic }) => ({ text: topic }) },
  { heading: 'in/s', rank: 1, cell: ({ in_rate }) => ({ text: rate(in_rate) }) },
  { heading: 'out/s', rank: 1, cell: ({ out_rate }) => ({ text: rate(out_rate) }) },
  { heading: 'lag', rank: 2, cell: ({ lag }) => counted(lag, colours.yellow) },
  { heading: 'ready', rank: 4, cell: ({ ready }) => counted(ready) },
  { heading: 'in flight', rank: 3, cell: ({ in_flight }) => counted(in_flight) },
  { heading: 'messages', rank: 5, cell: ({ messages }) => counted(messages) },
  { heading: 'size', rank: 6, cell: ({ size_bytes }) => ({ text: humanBytes(size_bytes) }) },
  { heading: 'partitions', rank: 7, cell: ({ partitions }) => counted(partitions) },
]

const groupColumns = ({ colours }: Screen): readonly Column<GroupFigures>[] => [
  { heading: 'group', rank: 0, cell: ({ group }) => ({ text: group }) },
  {
    ...{ heading: 'members', rank: 1 },
    cell: ({ members, lag }) =>
      counted(members, members === 0 && lag > 0 ? colours.red : undefined),
  },
  { heading: 'lag', rank: 1, cell: ({ lag }) => counted(lag, colours.yellow) },
  { heading: 'in flight', rank: 2, cell: ({ in_flight }) => counted(in_flight) },
  { heading: 'topics', rank: 3, cell: ({ topics }) => counted(topics) },
]

const counted = (count: number, paint?: Paint): TableCell => ({
  text: humanCount(count),
  paint: count > 0 || paint === undefined ? paint : undefined,
})

const rest = (count: number, noun: string, dim: Paint): readonly string[] =>
  count > 0 ? [dim(`and ${plural(count, noun)} more`)] : []

/** Ties in the order of their names. */
const byFigure = (
  topics: readonly TopicFigures[],
  figure: (topic: TopicFigures) => number,
): readonly TopicFigures[] =>
  [...topics].sort((a, b) => figure(b) - figure(a) || (a.topic < b.topic ? -1 : 1))

const byLag = (groups: readonly GroupFigures[]): readonly GroupFigures[] =>
  [...groups].sort((a, b) => b.lag - a.lag || (a.group < b.group ? -1 : 1))

/** `0`, `3.4`, `1,250`. */
const rate = (perSecond: number): string =>
  perSecond === 0 || perSecond >= 100 ? humanCount(Math.round(perSecond)) : perSecond.toFixed(1)

/** `-` where there was nothing to measure. */
function span(seconds: number | null): string {
  if (seconds === null) return '-'
  if (seconds >= 1) return `${seconds.toFixed(1)}s`
  return `${(seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0)}ms`
}
