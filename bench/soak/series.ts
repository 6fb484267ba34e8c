/**
 * What is watched, and when it counts as flat.
 *
 *   slope   the Theil-Sen slope over everything after the warm-up (the median of the slopes between all pairs: a few
 *           outliers do not move it). It rises where the slope exceeds `perHour` AND the last third lies more than
 *           `step` above the first: a short run makes a steep slope of nothing.
 *   below   what saws up and down by design, such as a journal between two snapshots: every sample below `most`.
 *
 *   shown   not judged: to read the others by.
 *
 * What falls is flat. `minima` takes the least of every three minutes first: a heap is what is left after a collection.
 */
import { median, percentile } from '../support/statistics.ts'

export type Judge =
  | {
      readonly kind: 'slope'
      /** In the unit of the series; also as a share of its median, whichever is more. */
      readonly perHour: number
      readonly perHourShare?: number
      readonly step: number
      readonly minima?: boolean
    }
  | { readonly kind: 'below'; readonly most: number }
  | { readonly kind: 'shown' }

export interface SeriesSpec {
  readonly name: string
  readonly unit: string
  readonly title: string
  readonly judge: Judge
}

const slope = (
  perHour: number,
  step: number,
  more: { minima?: boolean; perHourShare?: number } = {},
): Judge => ({
  kind: 'slope',
  ...{ perHour, step },
  ...more,
})

/** Journals are cut 4 MiB at a time, once a snapshot covers them: at most two such pieces each, of four machines. */
const JOURNALS_MB_MAX = 34
/** A delay log is cut 64 MiB at a time, once all of a piece is delivered: two such pieces, and their index. */
const DELAY_MB_MAX = 160
/** As many connections as the load opens at most: its pool of 128, those that keep an order, clients that come and go. */
const SOCKETS_MAX = 250

export const SERIES = [
  { name: 'rss', unit: 'MB', title: 'resident memory of the daemon', judge: slope(24, 8) },
  {
    name: 'heap',
    unit: 'MB',
    title: 'heap of the daemon, least of three minutes',
    judge: slope(12, 4, { minima: true }),
  },
  {
    name: 'external',
    unit: 'MB',
    title: 'memory of the daemon outside of the heap, least of three minutes',
    judge: slope(12, 4, { minima: true }),
  },
  {
    name: 'client rss',
    unit: 'MB',
    title: 'resident memory of the load, least of three minutes',
    judge: slope(32, 10, { minima: true }),
  },
  {
    name: 'client heap',
    unit: 'MB',
    title: 'heap of the load, least of three minutes',
    judge: slope(12, 4, { minima: true }),
  },
  { name: 'files', unit: 'files', title: 'files the daemon has open', judge: slope(40, 20) },
  {
    name: 'sockets',
    unit: 'sockets',
    title: 'connections the daemon has open',
    judge: { kind: 'below', most: SOCKETS_MAX },
  },
  {
    name: 'loop lag',
    unit: 'ms',
    title: 'event-loop lag of the daemon, p99 of 5 s',
    judge: { kind: 'shown' },
  },
  {
    name: 'client lag',
    unit: 'ms',
    title: 'the same of the load, a process that does as much beside it',
    judge: { kind: 'shown' },
  },
  {
    name: 'lag beyond',
    unit: 'ms',
    title: 'how much longer that of the daemon is: what the machine does besides is in both',
    judge: slope(40, 20),
  },
  {
    name: 'load',
    unit: 'processes',
    title: 'processes of the whole machine that want a core (load average)',
    judge: { kind: 'shown' },
  },
  {
    name: 'cpu',
    unit: '%',
    title: 'processor time of the daemon, of a core',
    judge: slope(20, 10),
  },
  {
    name: 'logs',
    unit: 'MB',
    title: 'segments of topics on disk',
    judge: slope(4, 2, { perHourShare: 0.2 }),
  },
  {
    name: 'indexes',
    unit: 'MB',
    title: 'indexes of topics on disk',
    judge: slope(0.2, 0.1, { perHourShare: 0.2 }),
  },
  { name: 'log files', unit: 'files', title: 'files of topics on disk', judge: slope(40, 20) },
  {
    name: 'delay logs',
    unit: 'MB',
    title: 'delay logs and their indexes on disk',
    judge: { kind: 'below', most: DELAY_MB_MAX },
  },
  {
    name: 'journals',
    unit: 'MB',
    title: 'journals of the state machines on disk',
    judge: { kind: 'below', most: JOURNALS_MB_MAX },
  },
  { name: 'snapshots', unit: 'MB', title: 'their snapshots on disk', judge: slope(1, 0.5) },
  {
    name: 'delayed',
    unit: 'messages',
    title: 'messages that wait for their time',
    judge: slope(100, 50, { perHourShare: 0.2 }),
  },
  { name: 'unresolved', unit: 'records', title: 'handed out, not settled', judge: slope(200, 100) },
  { name: 'lag', unit: 'records', title: 'lag of all groups together', judge: slope(1_000, 500) },
  { name: 'dead letters', unit: 'records', title: 'not yet brought back', judge: slope(200, 100) },
  { name: 'groups', unit: 'groups', title: 'groups there are', judge: slope(2, 1) },
  { name: 'waiters', unit: 'polls', title: 'polls that wait', judge: slope(10, 5) },
] as const satisfies readonly SeriesSpec[]

export type SeriesName = (typeof SERIES)[number]['name']

export interface Point {
  /** Seconds since the load began. */
  readonly at: number
  readonly value: number
}

export interface Verdict {
  /** Medians of the first, the middle and the last third after the warm-up; of the whole the greatest value. */
  readonly start: number
  readonly middle: number
  readonly end: number
  readonly most: number
  /** Unit an hour; NaN for fewer than two points. */
  readonly perHour: number
  readonly verdict: 'flat' | 'rising' | 'too high' | 'no figures' | '–'
  /** What was allowed, as people read it. */
  readonly band: string
}

const NOWHERE: Point = { at: 0, value: 0 }
const HOUR_S = 3_600
/** A whole heap is collected every few minutes, not every one: what lies between is not what is kept. */
const STRETCH_S_MAX = 180
const STRETCHES_MIN = 8

/** The median of the slopes between all pairs of points, per second; NaN for fewer than two. */
export function theilSen(points: readonly Point[]): number {
  const slopes = new Float64Array((points.length * (points.length - 1)) / 2)
  let count = 0
  for (let i = 0; i < points.length; i += 1) {
    const from = points[i] ?? NOWHERE
    for (let j = i + 1; j < points.length; j += 1) {
      const to = points[j] ?? NOWHERE
      if (to.at > from.at) slopes[count++] = (to.value - from.value) / (to.at - from.at)
    }
  }
  return percentile(slopes.subarray(0, count).sort(), 0.5)
}

/** Of each stretch of so many seconds its least point. */
export function minimaOf(points: readonly Point[], stretchS: number): readonly Point[] {
  const least = new Map<number, Point>()
  for (const point of points) {
    const stretch = Math.floor(point.at / stretchS)
    const known = least.get(stretch)
    if (known === undefined || point.value < known.value) least.set(stretch, point)
  }
  return [...least.values()]
}

/** A short run has some stretches all the same. */
function stretchOf(points: readonly Point[]): number {
  const lengthS = (points.at(-1)?.at ?? 0) - (points[0]?.at ?? 0)
  return Math.min(STRETCH_S_MAX, lengthS / STRETCHES_MIN) || STRETCH_S_MAX
}

function thirds(points: readonly Point[]): readonly [number, number, number] {
  const third = points.length / 3
  const of = (which: number): number =>
    median(
      points
        .slice(Math.round(which * third), Math.max(1, Math.round((which + 1) * third)))
        .map(({ value }) => value),
    )
  return [of(0), of(1), of(2)]
}

/** `all` in the order of time; what lies before `warmupS` is left out. */
export function judgeSeries(
  { judge, unit }: SeriesSpec,
  all: readonly Point[],
  warmupS: number,
): Verdict {
  const after = all.filter(({ at, value }) => at >= warmupS && Number.isFinite(value))
  const points = judge.kind === 'slope' && judge.minima ? minimaOf(after, stretchOf(after)) : after
  const [start, middle, end] = thirds(points)
  const most = Math.max(...points.map(({ value }) => value))
  const perHour = theilSen(points) * HOUR_S
  const figures = { start, middle, end, most, perHour }
  if (judge.kind === 'shown') return { ...figures, verdict: '–', band: '–' }
  if (judge.kind === 'below') {
    const verdict = most < judge.most ? 'flat' : 'too high'
    const band = `below ${judge.most} ${unit}`
    return { ...figures, verdict: points.length === 0 ? 'no figures' : verdict, band }
  }
  const centre = median(points.map(({ value }) => value))
  const allowed = Math.max(judge.perHour, (judge.perHourShare ?? 0) * centre)
  const isRising = perHour > allowed && end - start > judge.step
  const band = `≤ ${Number(allowed.toPrecision(3))} ${unit}/h`
  if (points.length < 3) return { ...figures, verdict: 'no figures', band }
  return { ...figures, verdict: isRising ? 'rising' : 'flat', band }
}
