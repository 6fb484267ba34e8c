/** How late the event loop runs: what a full CPU or a long synchronous step looks like from inside. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Gauge, type Registry } from 'prom-client'

const RESOLUTION_MS = 20
const QUANTILES = [0.5, 0.9, 0.99, 1] as const
const NS_PER_SECOND = 1e9

/** Registers the gauge and returns how to stop measuring. Each scrape shows what passed since the last one. */
export function watchEventLoop(registry: Registry): () => void {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  const gauge = new Gauge({
    name: 'goqueue_event_loop_lag_seconds',
    help: 'How much later than planned timers ran since the last scrape, by quantile.',
    labelNames: ['quantile'],
    registers: [registry],
    collect() {
      for (const quantile of QUANTILES) {
        const late = delay.count === 0 ? 0 : delay.percentile(quantile * 100) / NS_PER_SECOND
        // The histogram holds the whole time between two ticks; what exceeds the period is the lag.
        gauge.set({ quantile: String(quantile) }, Math.max(0, late - RESOLUTION_MS / 1000))
      }
      delay.reset()
    },
  })
  return () => {
    delay.disable()
  }
}
