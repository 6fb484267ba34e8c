/**
 * Every metric of the process on a registry of its own: named `goqueue_…`, in base units (seconds, bytes),
 * each with a help text; besides them prom-client's `process_…` and `nodejs_…`.
 *
 * The hot path counts in plain fields; everything is copied when it is scraped.
 */
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { type DelayFigures, registerDelays } from './delayMetrics.ts'
import { type DeliveryFigures, registerDeliveries } from './deliveryMetrics.ts'
import { watchEventLoop } from './eventLoop.ts'
import { type GroupFigures, type GroupLag, registerGroups, registerLag } from './groupMetrics.ts'
import { type HttpFigures, registerHttp } from './httpMetrics.ts'
import type { Meters } from './meters.ts'
import { type PriorityTotals, registerPriorities } from './priorityMetrics.ts'
import { registerState, type StateSources } from './stateMetrics.ts'
import { registerFiles, registerStorage, type StorageFigures } from './storageMetrics.ts'
import { registerOperations, registerSyncs, registerTraffic } from './trafficMetrics.ts'

/** Figures that live elsewhere and are asked for when the metrics are scraped. */
export interface MetricSources extends StateSources {
  groups(): GroupFigures
  /** At most LAG_SERIES_MAX. */
  groupLags(): Promise<readonly GroupLag[]>
  deliveries(): DeliveryFigures
  delays(): DelayFigures
  priorities(): PriorityTotals
  http(): HttpFigures
  storage(): Promise<StorageFigures>
}

export interface BuildInfo {
  readonly version: string
}

export interface MetricDescription {
  readonly name: string
  /** counter, gauge, histogram or summary. */
  readonly type: string
  readonly help: string
  readonly labels: readonly string[]
}

/** What writing the text may take of the event loop at once. */
const TURN_MS = 2

export class Metrics {
  readonly #registry = new Registry()
  readonly #stopWatching: () => void
  readonly #refresh: () => Promise<void>

  constructor(meters: Meters, sources: MetricSources, build: BuildInfo) {
    const registry = this.#registry
    registerProcess(registry)
    this.#stopWatching = watchEventLoop(registry)
    registerBuild(registry, build)
    registerOperations(registry, meters)
    const refreshTraffic = registerTraffic(registry, meters)
    registerSyncs(registry, meters)
    const refreshFiles = registerFiles(registry, meters.storage)
    const refreshState = registerState(registry, sources)
    const refreshStorage = registerStorage(registry, () => sources.storage())
    const refreshHttp = registerHttp(registry, () => sources.http())
    const refreshGroups = registerGroups(registry, () => sources.groups())
    const refreshLag = registerLag(registry, () => sources.groupLags())
    const refreshDeliveries = registerDeliveries(registry, () => sources.deliveries())
    const refreshPriorities = registerPriorities(registry, () => sources.priorities())
    const refreshDelays = registerDelays(registry, () => sources.delays())
    this.#refresh = async () => {
      refreshTraffic()
      refreshFiles()
      refreshHttp()
      refreshGroups()
      refreshDeliveries()
      refreshPriorities()
      refreshDelays()
      await refreshState()
      await refreshStorage()
      await refreshLag()
    }
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** The Prometheus text of this moment. Thousands of series take some turns of the event loop, none of them long. */
  async text(): Promise<string> {
    await this.#refresh()
    const parts: string[] = []
    let begunMs = performance.now()
    for (const { name } of this.#registry.getMetricsAsArray()) {
      parts.push(await this.#registry.getSingleMetricAsString(name))
      if (performance.now() - begunMs < TURN_MS) continue
      await new Promise(setImmediate)
      begunMs = performance.now()
    }
    return `${parts.join('\n\n')}\n`
  }

  /** Each metric there is, ours and the process's, by name. */
  catalogue(): readonly MetricDescription[] {
    return this.#registry
      .getMetricsAsArray()
      .map((metric) => {
        const { name, type, help } = metric
        const labels = 'labelNames' in metric ? metric.labelNames : []
        return { name, type: String(type), help, labels: Array.isArray(labels) ? labels : [] }
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  close(): void {
    this.#stopWatching()
    this.#registry.clear()
  }
}

/**
 * Of prom-client's own metrics the event loop's is left out, which runs a second timer (it is made to sleep), and the
 * gauges that are called totals.
 */
function registerProcess(register: Registry): void {
  collectDefaultMetrics({ register, eventLoopMonitoringPrecision: 3_600_000 })
  for (const { name } of register.getMetricsAsArray()) {
    const isMisnamed = /^nodejs_active_\w+_total$/.test(name)
    if (isMisnamed || name.startsWith('nodejs_eventloop_lag')) register.removeSingleMetric(name)
  }
}

function registerBuild(registry: Registry, { version }: BuildInfo): void {
  new Gauge({
    name: 'goqueue_build_info',
    help: 'Always 1; the labels say what runs.',
    labelNames: ['version', 'node_version'],
    registers: [registry],
  }).set({ version, node_version: process.version }, 1)
}
