/**
 * How late the event loop runs: what a full CPU or a long synchronous step looks like from inside.
 *
 * Who looks does not change what others see: the measurement goes on in windows of 15 s or longer, each ended by the
 * first scrape behind it, and a scrape within a window shows the worse of that one and the one before.
 *
 *   scrapes every 15 s    each shows what passed since the one before
 *   scrapes every 1 s     each shows the last 15 to 30 s
 */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import { type Registry, Summary } from 'prom-client'

const RESOLUTION_MS = 20
const WINDOW_MS = 14_500
const QUANTILES = [0.5, 0.9, 0.99, 1] as const
const NS_PER_SECOND = 1e9

const NAME = 'goqueue_event_loop_lag_seconds'
const HELP =
  'How much later than planned timers ran, by quantile: since the last scrape, the last 15 s at least.'

/** Registers the summary and returns how to stop measuring. */
export function watchEventLoop(registry: Registry): () => void {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  new LagSummary(registry, delay)
  return () => {
    delay.disable()
  }
}

class LagSummary extends Summary {
  readonly #delay: IntervalHistogram
  #begunMs = performance.now()
  /** Quantiles of the window before. */
  #before = QUANTILES.map(() => 0)
  /** Of all windows before: seconds, and how many were measured. */
  #sum = 0
  #count = 0

  constructor(registry: Registry, delay: IntervalHistogram) {
    super({ name: NAME, help: HELP, registers: [registry] })
    this.#delay = delay
  }

  /** What a registry asks for when it writes the text. */
  getForPromString() {
    const delay = this.#delay
    const now = lagsOf(delay)
    const isOver = performance.now() - this.#begunMs >= WINDOW_MS
    const shown = isOver ? now : now.map((lag, i) => Math.max(lag, this.#before[i] ?? 0))
    const sum = this.#sum + sumOf(delay)
    const count = this.#count + delay.count
    if (isOver) {
      this.#before = now
      this.#sum = sum
      this.#count = count
      this.#begunMs = performance.now()
      delay.reset()
    }
    const values = [
      ...QUANTILES.map((quantile, i) => ({ labels: { quantile }, value: shown[i] ?? 0 })),
      { metricName: `${NAME}_sum`, labels: {}, value: sum },
      { metricName: `${NAME}_count`, labels: {}, value: count },
    ]
    return Promise.resolve({ name: NAME, help: HELP, type: 'summary', values, aggregator: 'sum' })
  }
}

/** The histogram holds the whole time between two ticks; what exceeds the period is the lag. */
const lagsOf = (delay: IntervalHistogram): number[] =>
  QUANTILES.map((quantile) => {
    const late = delay.count === 0 ? 0 : delay.percentile(quantile * 100) / NS_PER_SECOND
    return Math.max(0, late - RESOLUTION_MS / 1000)
  })

const sumOf = ({ count, mean }: IntervalHistogram): number =>
  count === 0 ? 0 : Math.max(0, (mean / NS_PER_SECOND - RESOLUTION_MS / 1000) * count)
