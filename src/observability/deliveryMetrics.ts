/** What deliveries count, shown when the metrics are scraped. */
import type { Registry } from 'prom-client'
import { type FigureTable, figureCounters, figureGauges } from './figureMetrics.ts'

/** The first eleven since the data directory was made, the others of this moment. */
export interface DeliveryFigures {
  readonly handedOut: number
  readonly takenBack: number
  readonly acks: number
  readonly commits: number
  readonly nacks: number
  readonly rejects: number
  readonly expiries: number
  readonly deaths: number
  readonly extensions: number
  readonly buried: number
  readonly redriven: number
  readonly inFlight: number
  readonly unresolved: number
  readonly waiting: number
  readonly ready: number
  readonly dying: number
  readonly deadLetters: number
  readonly pollsWaiting: number
  readonly tasksRunning: number
}

const COUNTERS: FigureTable<keyof DeliveryFigures> = {
  goqueue_deliveries_total: ['Records handed out to members of ack-mode groups.', 'handedOut'],
  goqueue_deliveries_taken_back_total: [
    'Hand-outs that did not take place: the client was gone.',
    'takenBack',
  ],
  goqueue_acks_total: ['Records acked.', 'acks'],
  goqueue_commit_settled_total: ['Records settled by a commit in ack mode.', 'commits'],
  goqueue_nacks_total: ['Records given back as failed.', 'nacks'],
  goqueue_rejects_total: ['Records rejected for good.', 'rejects'],
  goqueue_leases_expired_total: ['Records whose lease ended by its time.', 'expiries'],
  goqueue_leases_died_total: ['Records whose member fell silent.', 'deaths'],
  goqueue_visibility_extensions_total: ['Leases extended, by record.', 'extensions'],
  goqueue_dead_letters_total: ['Records put among the dead letters.', 'buried'],
  goqueue_redriven_total: ['Dead letters brought back.', 'redriven'],
}

const GAUGES: FigureTable<keyof DeliveryFigures> = {
  goqueue_in_flight: ['Records held by members now.', 'inFlight'],
  goqueue_unresolved: ['Records handed out and not settled.', 'unresolved'],
  goqueue_backoff_waiting: ['Records that wait for the end of their backoff.', 'waiting'],
  goqueue_retry_ready: ['Records that came back and can be handed out.', 'ready'],
  goqueue_dying: ['Records on their way into the dead letters.', 'dying'],
  goqueue_dlq_messages: ['Dead letters that nobody has brought back.', 'deadLetters'],
  goqueue_delivery_polls_waiting: ['Polls of ack-mode groups that wait.', 'pollsWaiting'],
  goqueue_redrives_running: ['Redrives under way.', 'tasksRunning'],
}

/** Returns how to bring them up to date. */
export function registerDeliveries(registry: Registry, figures: () => DeliveryFigures): () => void {
  const showCounters = figureCounters(registry, COUNTERS)
  const showGauges = figureGauges(registry, GAUGES)
  return () => {
    const series = [[{}, figures()]] as const
    showCounters(series)
    showGauges(series)
  }
}
