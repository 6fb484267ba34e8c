/** What lies in the lanes and how long it waits, shown when the metrics are scraped. */
import { Counter, Gauge, type Registry } from 'prom-client'
import { PRIORITIES } from '../kernel/priority.ts'
import { type BucketFigures, PlainHistogram } from './plainHistogram.ts'

/** Each list has one entry for each priority, `critical` first. */
export interface PriorityTotals {
  readonly ready: ArrayLike<number>
  readonly inFlight: ArrayLike<number>
  /** Hand-outs since the start. */
  readonly served: ArrayLike<number>
  readonly waits: readonly BucketFigures[]
}

/** Returns how to bring them up to date. */
export function registerPriorities(registry: Registry, totals: () => PriorityTotals): () => void {
  const labelNames = ['priority'] as const
  const registers = [registry]
  const ready = new Gauge({
    name: 'goqueue_priority_ready',
    help: 'Records that can be handed out now, by priority, over all groups of mode ack.',
    labelNames,
    registers,
  })
  const inFlight = new Gauge({
    name: 'goqueue_priority_in_flight',
    help: 'Records held by members now, by priority.',
    labelNames,
    registers,
  })
  const served = new Counter({
    name: 'goqueue_priority_served_total',
    help: 'Records handed out, by priority.',
    labelNames,
    registers,
  })
  new PlainHistogram({
    name: 'goqueue_priority_wait_seconds',
    help: 'Time from the append of a record to its first hand-out, by priority.',
    labelNames,
    registry,
    series: () => {
      const { waits } = totals()
      return PRIORITIES.flatMap((priority, lane) => {
        const figures = waits[lane]
        return figures === undefined ? [] : [[{ priority }, figures] as const]
      })
    },
  })
  return () => {
    const now = totals()
    served.reset()
    for (const [lane, priority] of PRIORITIES.entries()) {
      ready.set({ priority }, now.ready[lane] ?? 0)
      inFlight.set({ priority }, now.inFlight[lane] ?? 0)
      served.inc({ priority }, now.served[lane] ?? 0)
    }
  }
}
