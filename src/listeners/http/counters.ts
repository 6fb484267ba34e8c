/** What was answered and how fast, by route: plain numbers that the metrics room reads when it is scraped. */
import type { ErrorCode } from '../../kernel/errors.ts'

/** Upper bounds of the buckets, in seconds: below is memory, above is a disk in trouble or a long poll. */
export const SECONDS_BUCKETS: readonly number[] = [
  0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
]

export type Outcome = '2xx' | '3xx' | '4xx' | '5xx' | 'aborted'

export interface RouteStats {
  readonly method: string
  /** The pattern: `/topics/:topic`. */
  readonly path: string
  /** Answered so far; `aborted` are those whose client left first. */
  readonly requests: Readonly<Record<Outcome, number>>
  /** How many took at most as long as the bound of the same index, the slower ones last; not cumulative. */
  readonly secondsCounts: readonly number[]
  readonly secondsSum: number
}

export class RouteCounter {
  readonly method: string
  readonly path: string
  readonly #requests = { '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0, aborted: 0 }
  readonly #buckets = new Float64Array(SECONDS_BUCKETS.length + 1)
  #secondsSum = 0

  constructor(method: string, path: string) {
    this.method = method
    this.path = path
  }

  /** `status` 0: the client left before the answer was out. */
  count(status: number, durationMs: number): void {
    this.#requests[outcomeOf(status)] += 1
    const seconds = durationMs / 1000
    this.#secondsSum += seconds
    let bucket = 0
    while (bucket < SECONDS_BUCKETS.length && seconds > (SECONDS_BUCKETS[bucket] as number)) {
      bucket += 1
    }
    this.#buckets[bucket] = (this.#buckets[bucket] as number) + 1
  }

  stats(): RouteStats {
    return {
      method: this.method,
      path: this.path,
      requests: { ...this.#requests },
      secondsCounts: [...this.#buckets],
      secondsSum: this.#secondsSum,
    }
  }
}

function outcomeOf(status: number): Outcome {
  if (status === 0) return 'aborted'
  if (status < 300) return '2xx'
  if (status < 400) return '3xx'
  return status < 500 ? '4xx' : '5xx'
}

export class Counters {
  readonly #routes: RouteCounter[] = []
  /** Errors below the level of a request: bytes that are not HTTP, heads too large, time-outs. */
  clientErrors = 0
  /** Connections over the limit. */
  refusedConnections = 0
  /** Requests answered with an error, by its code. */
  readonly refusals = new Map<ErrorCode, number>()

  route(method: string, path: string): RouteCounter {
    const counter = new RouteCounter(method, path)
    this.#routes.push(counter)
    return counter
  }

  refused(code: ErrorCode): void {
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1)
  }

  routes(): readonly RouteStats[] {
    return this.#routes.map((route) => route.stats())
  }
}
