/**
 * Every metric of the process on a registry of its own: named `goqueue_…`, in base units (seconds, bytes),
 * each with a help text; besides them prom-client's `process_…` and `nodejs_…`.
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { type DelayFigures, registerDelays } from './delayMetrics.ts'
import { type DeliveryFigures, registerDeliveries } from './deliveryMetrics.ts'
import { watchEventLoop } from './eventLoop.ts'
import { type GroupFigures, type GroupLag, registerGroups, registerLag } from './groupMetrics.ts'
import { type HttpFigures, registerHttp } from './httpMetrics.ts'
import type { Meters, OperationMeter, TopicMeter } from './meters.ts'
import { PlainHistogram } from './plainHistogram.ts'
import { type PriorityTotals, registerPriorities } from './priorityMetrics.ts'

export interface TopicSize {
  readonly topic: string
  readonly partitions: number
  readonly sizeBytes: number
  /** Messages that can be read. */
  readonly messages: number
}

/** Figures that live elsewhere and are asked for when the metrics are scraped. */
export interface MetricSources {
  topics(): readonly TopicSize[] | Promise<readonly TopicSize[]>
  /** Long polls that wait. */
  waiters(): number
  /** Partitions that do not serve. */
  unavailablePartitions(): number
  groups(): GroupFigures
  /** At most LAG_SERIES_MAX. */
  groupLags(): Promise<readonly GroupLag[]>
  deliveries(): DeliveryFigures
  delays(): DelayFigures
  priorities(): PriorityTotals
  http(): HttpFigures
}

export interface BuildInfo {
  readonly version: string
}

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
    registerTraffic(registry, meters)
    registerSyncs(registry, meters)
    const refreshState = registerState(registry, sources)
    const refreshHttp = registerHttp(registry, () => sources.http())
    const refreshGroups = registerGroups(registry, () => sources.groups())
    const refreshLag = registerLag(registry, () => sources.groupLags())
    const refreshDeliveries = registerDeliveries(registry, () => sources.deliveries())
    const refreshPriorities = registerPriorities(registry, () => sources.priorities())
    const refreshDelays = registerDelays(registry, () => sources.delays())
    this.#refresh = async () => {
      refreshHttp()
      refreshGroups()
      refreshDeliveries()
      refreshPriorities()
      refreshDelays()
      await refreshState()
      await refreshLag()
    }
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** The Prometheus text of this moment. */
  async text(): Promise<string> {
    await this.#refresh()
    return await this.#registry.metrics()
  }

  /** Name, type and help of each of our own metrics, by name. */
  catalogue(): readonly { readonly name: string; readonly type: string; readonly help: string }[] {
    return this.#registry
      .getMetricsAsArray()
      .filter(({ name }) => name.startsWith('goqueue_'))
      .map(({ name, type, help }) => ({ name, type: String(type), help }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  close(): void {
    this.#stopWatching()
    this.#registry.clear()
  }
}

/** prom-client's own event-loop metric runs a second timer: it is made to sleep and taken out. */
function registerProcess(register: Registry): void {
  collectDefaultMetrics({ register, eventLoopMonitoringPrecision: 3_600_000 })
  for (const { name } of register.getMetricsAsArray()) {
    if (name.startsWith('nodejs_eventloop_lag')) register.removeSingleMetric(name)
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

function registerOperations(registry: Registry, { operations }: Meters): void {
  const total = new Counter({
    name: 'goqueue_operations_total',
    help: 'Calls of each operation by outcome: OK or the error code.',
    labelNames: ['operation', 'code'],
    registers: [registry],
    collect() {
      total.reset()
      for (const [operation, meter] of operations) copyOutcomes(total, operation, meter)
    },
  })
  new PlainHistogram({
    name: 'goqueue_operation_duration_seconds',
    help: 'Time from the call of an operation to its reply; with .wait it may have waited.',
    registry,
    series: () => [...operations].map(([operation, { duration }]) => [{ operation }, duration]),
  })
}

function copyOutcomes(
  total: Counter<'operation' | 'code'>,
  operation: string,
  meter: OperationMeter,
): void {
  for (const [code, count] of meter.counts()) total.inc({ operation, code }, count)
}

const TRAFFIC: Readonly<Record<string, readonly [help: string, figure: keyof TopicMeter]>> = {
  goqueue_published_messages_total: ['Messages accepted by topic.', 'publishedMessages'],
  goqueue_published_bytes_total: [
    'Bytes of accepted records by topic, as sent: key, value and headers.',
    'publishedBytes',
  ],
  goqueue_read_messages_total: ['Messages read by offset, by topic.', 'readMessages'],
  goqueue_read_bytes_total: ['Bytes of records read by offset, by topic.', 'readBytes'],
}

function registerTraffic(registry: Registry, { topics }: Meters): void {
  for (const [name, [help, figure]] of Object.entries(TRAFFIC)) {
    const total = new Counter({
      name,
      help,
      labelNames: ['topic'],
      registers: [registry],
      collect() {
        total.reset()
        for (const [topic, meter] of topics) total.inc({ topic }, meter[figure])
      },
    })
  }
}

function registerSyncs(registry: Registry, meters: Meters): void {
  new PlainHistogram({
    name: 'goqueue_log_sync_duration_seconds',
    help: 'Time one fdatasync of a log took; its count is the number of syncs.',
    registry,
    series: () => [[{}, meters.sync]],
  })
  const failures = new Counter({
    name: 'goqueue_log_sync_failures_total',
    help: 'Syncs of a log that failed; the log takes no more writes until it is reopened.',
    registers: [registry],
    collect() {
      failures.reset()
      failures.inc(meters.syncFailures)
    },
  })
}

/** Returns how to bring the gauges up to date: once before each scrape, all of one moment. */
function registerState(registry: Registry, sources: MetricSources): () => Promise<void> {
  const gauge = (name: string, help: string, labelNames: readonly string[] = []) =>
    new Gauge({ name, help, labelNames, registers: [registry] })
  const partitions = gauge('goqueue_topic_partitions', 'Partitions by topic.', ['topic'])
  const messages = gauge('goqueue_topic_messages', 'Messages that can be read, by topic.', [
    'topic',
  ])
  const size = gauge('goqueue_topic_size_bytes', 'Size of all segments by topic.', ['topic'])
  const waiters = gauge('goqueue_waiters', 'Long polls that wait at this moment.')
  const unavailable = gauge(
    'goqueue_partitions_unavailable',
    'Partitions that do not serve; /readyz names them.',
  )
  return async () => {
    waiters.set(sources.waiters())
    unavailable.set(sources.unavailablePartitions())
    const topics = await sources.topics()
    for (const each of [partitions, messages, size]) each.reset()
    for (const { topic, ...figures } of topics) {
      partitions.set({ topic }, figures.partitions)
      messages.set({ topic }, figures.messages)
      size.set({ topic }, figures.sizeBytes)
    }
  }
}
