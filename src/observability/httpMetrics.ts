/** The HTTP listener's own figures, as it counts them, shown when the metrics are scraped. */
import { Counter, Gauge, type Registry } from 'prom-client'
import { type BucketFigures, PlainHistogram } from './plainHistogram.ts'

export interface HttpRouteFigures {
  readonly method: string
  /** The pattern, never the path that was asked for: `/topics/:topic`. */
  readonly route: string
  /** `2xx`, `4xx`, …, `aborted`: how many. */
  readonly outcomes: Readonly<Record<string, number>>
  readonly seconds: BucketFigures
}

export interface HttpFigures {
  readonly requestsInFlight: number
  readonly longPollsWaiting: number
  readonly bytesInFlight: number
  readonly clientErrors: number
  readonly connectionsRefused: number
  /** Requests refused, by the code of the answer. */
  readonly refusals: ReadonlyMap<string, number>
  readonly routes: readonly HttpRouteFigures[]
}

/** Returns how to bring gauges and counters up to date. A route that nobody asked for yet is left out. */
export function registerHttp(registry: Registry, figures: () => HttpFigures): () => void {
  const registers = [registry]
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers })
  const counter = (name: string, help: string) => new Counter({ name, help, registers })
  const inFlight = gauge('goqueue_http_requests_in_flight', 'Requests under way, waiting or not.')
  const waiting = gauge('goqueue_http_long_polls_waiting', 'Requests that wait for a message.')
  const bytes = gauge('goqueue_http_in_flight_bytes', 'Bodies and replies in memory.')
  const errors = counter(
    'goqueue_http_client_errors_total',
    'Connections that failed below the level of a request: no HTTP, heads too large, time-outs.',
  )
  const refused = counter(
    'goqueue_http_connections_refused_total',
    'Connections over the limit, answered 503 and closed.',
  )
  const requests = new Counter({
    name: 'goqueue_http_requests_total',
    help: 'Requests answered, by route and class of status; aborted are those whose client left.',
    labelNames: ['method', 'route', 'status'],
    registers,
  })
  const refusals = new Counter({
    name: 'goqueue_http_refusals_total',
    help: 'Requests answered with an error, by its code; errors of one item in a list are not counted.',
    labelNames: ['code'],
    registers,
  })
  new PlainHistogram({
    name: 'goqueue_http_request_duration_seconds',
    help: 'Time from the head of a request to the end of its reply, by route.',
    labelNames: ['method', 'route'],
    registry,
    series: () =>
      figures()
        .routes.filter(({ seconds }) => [...seconds.counts].some((count) => count > 0))
        .map(({ method, route, seconds }) => [{ method, route }, seconds]),
  })
  return () => {
    const now = figures()
    inFlight.set(now.requestsInFlight)
    waiting.set(now.longPollsWaiting)
    bytes.set(now.bytesInFlight)
    for (const each of [errors, refused, requests, refusals]) each.reset()
    errors.inc(now.clientErrors)
    refused.inc(now.connectionsRefused)
    for (const [code, count] of now.refusals) refusals.inc({ code }, count)
    for (const { method, route, outcomes } of now.routes) {
      for (const [status, count] of Object.entries(outcomes)) {
        if (count > 0) requests.inc({ method, route, status }, count)
      }
    }
  }
}
