/** What delayed messages count, shown when the metrics are scraped. */
import { Counter, Gauge, type Registry } from 'prom-client'
import { type BucketFigures, PlainHistogram } from './plainHistogram.ts'

export interface DelayFigures {
  readonly pending: number
  /** These three since the data directory was made. */
  readonly delivered: number
  readonly cancelled: number
  readonly expired: number
  readonly lateness: BucketFigures
}

type Count = 'delivered' | 'cancelled' | 'expired'

const COUNTERS: Readonly<Record<string, readonly [help: string, figure: Count]>> = {
  goqueue_delayed_delivered_total: ['Delayed messages delivered into their topic.', 'delivered'],
  goqueue_delayed_cancelled_total: ['Delayed messages cancelled.', 'cancelled'],
  goqueue_delayed_expired_total: [
    'Delayed messages given up, since their record could not be read.',
    'expired',
  ],
}

/** Returns how to bring them up to date. */
export function registerDelays(registry: Registry, figures: () => DelayFigures): () => void {
  const registers = [registry]
  const help = 'Delayed messages that wait.'
  const pending = new Gauge({ name: 'goqueue_delayed_pending', help, registers })
  const counters = Object.entries(COUNTERS).map(([name, [about, figure]]) => {
    return [new Counter({ name, help: about, registers }), figure] as const
  })
  new PlainHistogram({
    name: 'goqueue_delay_lateness_seconds',
    help: 'Time from when a message was due to its append.',
    registry,
    series: () => [[{}, figures().lateness]],
  })
  return () => {
    const now = figures()
    pending.set(now.pending)
    for (const [counter, figure] of counters) {
      counter.reset()
      counter.inc(now[figure])
    }
  }
}
