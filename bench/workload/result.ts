/**
 * What a workload leaves behind. Names are those of the OpenMessaging Benchmark's own results, so that what reads those
 * reads these. Rates are per second, latencies in milliseconds; those of `publishDelay` (from when a message was due to its
 * send) in microseconds, as there. Lists have one value for each period.
 */
import type { Machine } from '../support/machine.ts'
import type { Workload } from './file.ts'
import type { Ending, Figures } from './latencies.ts'
import type { PublishedStats } from './publishers.ts'
import type { ReceivedStats } from './subscribers.ts'

type Named<Start extends string, Value> = { readonly [E in Ending as `${Start}${E}`]: Value }

export type WorkloadResult = {
  readonly workload: string
  readonly driver: 'goqueue'
  readonly messageSize: number
  readonly topics: number
  readonly partitions: number
  readonly producersPerTopic: number
  readonly consumersPerTopic: number
  readonly publishRate: readonly number[]
  readonly publishErrorRate: readonly number[]
  readonly consumeRate: readonly number[]
  /** Messages published and not yet read by every subscription. */
  readonly backlog: readonly number[]
} & Named<'publishLatency', readonly number[]> &
  Named<'publishDelayLatency', readonly number[]> &
  Named<'endToEndLatency', readonly number[]> &
  Named<'aggregatedPublishLatency', number> &
  Named<'aggregatedPublishDelayLatency', number> &
  Named<'aggregatedEndToEndLatency', number> & {
    /** Ours: what the figures were taken on and what was done otherwise than the file says. */
    readonly run: RunFacts
  }

export interface RunFacts {
  readonly startedAt: string
  readonly commit: string
  readonly machine: Machine
  readonly loadBefore: number
  readonly acks: string
  readonly periodSeconds: number
  /** From the start of the publishers to the end of the last period. */
  readonly seconds: number
  readonly published: number
  readonly received: number
  /** How long it took until readers that had stood still had caught up. */
  readonly drainSeconds?: number
  readonly notes: readonly string[]
}

export interface Period {
  readonly seconds: number
  readonly published: PublishedStats
  readonly received: ReceivedStats
  readonly publishedBefore: number
  readonly receivedBefore: number
  readonly errorsBefore: number
}

const MICROS = 1_000

function named<Start extends string, V>(
  start: Start,
  figure: (ending: Ending) => V,
  endings: readonly Ending[],
): Named<Start, V> {
  const entries = endings.map((ending) => [`${start}${ending}`, figure(ending)] as const)
  return Object.fromEntries(entries) as Named<Start, V>
}

export interface Measured {
  readonly periods: readonly Period[]
  readonly published: PublishedStats
  readonly received: ReceivedStats
  readonly run: RunFacts
}

export function workloadResult(workload: Workload, measured: Measured): WorkloadResult {
  const { periods, published, received, run } = measured
  const endings = Object.keys(published.latency) as Ending[]
  const each =
    (of: (period: Period) => Figures, scale = 1) =>
    (ending: Ending) =>
      periods.map((period) => of(period)[ending] * scale)
  const rate = (of: (period: Period) => number): readonly number[] =>
    periods.map((period) => of(period) / period.seconds)
  return {
    workload: workload.name,
    driver: 'goqueue',
    messageSize: workload.messageSize,
    topics: workload.topics,
    partitions: workload.partitionsPerTopic,
    producersPerTopic: workload.producersPerTopic,
    consumersPerTopic: workload.consumerPerSubscription,
    publishRate: rate((period) => period.published.messages - period.publishedBefore),
    publishErrorRate: rate((period) => period.published.errors - period.errorsBefore),
    consumeRate: rate((period) => period.received.messages - period.receivedBefore),
    backlog: periods.map((period) => backlogOf(workload, period)),
    ...named(
      'publishLatency',
      each((period) => period.published.latency),
      endings,
    ),
    ...named(
      'publishDelayLatency',
      each((period) => period.published.delay, MICROS),
      endings,
    ),
    ...named(
      'endToEndLatency',
      each((period) => period.received.latency),
      endings,
    ),
    ...named('aggregatedPublishLatency', (ending) => published.latency[ending], endings),
    ...named(
      'aggregatedPublishDelayLatency',
      (ending) => published.delay[ending] * MICROS,
      endings,
    ),
    ...named('aggregatedEndToEndLatency', (ending) => received.latency[ending], endings),
    run,
  }
}

const backlogOf = ({ subscriptionsPerTopic }: Workload, { published, received }: Period): number =>
  Math.max(0, subscriptionsPerTopic * published.messages - received.messages)
