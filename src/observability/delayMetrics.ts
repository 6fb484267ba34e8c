/** What delayed messages count, shown when the metrics are scraped. */
import type { Registry } from 'prom-client'
import { type FigureTable, figureCounters, figureGauges } from './figureMetrics.ts'
import { type BucketFigures, PlainHistogram } from './plainHistogram.ts'

export interface DelayFigures {
  readonly pending: number
  /** These three since the data directory was made. */
  readonly delivered: number
  readonly cancelled: number
  readonly expired: number
  readonly lateness: BucketFigures
}

const COUNTERS: FigureTable<'delivered' | 'cancelled' | 'expired'> = {
  goqueue_delayed_delivered_total: ['Delayed messages delivered into their topic.', 'delivered'],
  goqueue_delayed_cancelled_total: ['Delayed messages cancelled.', 'cancelled'],
  goqueue_delayed_expired_total: [
    'Delayed messages given up, since their record could not be read.',
    'expired',
  ],
}

const GAUGES: FigureTable<'pending'> = {
  goqueue_delayed_pending: ['Delayed messages that wait.', 'pending'],
}

/** Returns how to bring them up to date. */
export function registerDelays(registry: Registry, figures: () => DelayFigures): () => void {
  const showCounters = figureCounters(registry, COUNTERS)
  const showGauges = figureGauges(registry, GAUGES)
  new PlainHistogram({
    name: 'goqueue_delay_lateness_seconds',
    help: 'Time from when a message was due to its append.',
    registry,
    series: () => [[{}, figures().lateness]],
  })
  return () => {
    const series = [[{}, figures()]] as const
    showCounters(series)
    showGauges(series)
  }
}
