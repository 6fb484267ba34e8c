/** What there is at this moment: topics, load, what does not serve; shown when the metrics are scraped. */
import { Gauge, type Registry } from 'prom-client'
import { type FigureTable, figureCounters, figureGauges } from './figureMetrics.ts'

export interface TopicSize {
  readonly topic: string
  readonly partitions: number
  readonly sizeBytes: number
  readonly segments: number
  /** Messages that can be read. */
  readonly messages: number
}

export interface LoadFigures {
  /** Long polls that wait. */
  readonly waiters: number
  readonly publishesInFlight: number
  readonly publishBytesInFlight: number
}

/** Since the start. */
export interface RetentionFigures {
  readonly removedRecords: number
  readonly failures: number
}

export interface StateSources {
  topics(): readonly TopicSize[] | Promise<readonly TopicSize[]>
  load(): LoadFigures
  /** Partitions that do not serve. */
  unavailablePartitions(): number
  retention(): RetentionFigures
  /** Seconds that each room took to be ready, by room; none before it is. */
  recovery(): ReadonlyMap<string, number>
}

type TopicFigure = Exclude<keyof TopicSize, 'topic'>

const TOPIC_GAUGES: FigureTable<TopicFigure> = {
  goqueue_topic_partitions: ['Partitions by topic.', 'partitions'],
  goqueue_topic_messages: ['Messages that can be read, by topic.', 'messages'],
  goqueue_topic_size_bytes: ['Size of all segments by topic.', 'sizeBytes'],
  goqueue_topic_segments: ['Segments by topic.', 'segments'],
}

const LOAD_GAUGES: FigureTable<keyof LoadFigures> = {
  goqueue_waiters: ['Long polls that wait at this moment.', 'waiters'],
  goqueue_publishes_in_flight: [
    'Publishes under way; max-requests is the limit.',
    'publishesInFlight',
  ],
  goqueue_publish_in_flight_bytes: [
    'Keys and values of the publishes under way; max-queued-bytes is the limit.',
    'publishBytesInFlight',
  ],
}
const RETENTION: Readonly<Record<string, readonly [help: string, figure: keyof RetentionFigures]>> =
  {
    goqueue_retention_removed_records_total: ['Records removed by retention.', 'removedRecords'],
    goqueue_retention_failures_total: [
      'Partitions whose retention failed; it is tried again at the next run.',
      'failures',
    ],
  }

/** Returns how to bring them up to date: once before each scrape, all of one moment. */
export function registerState(registry: Registry, sources: StateSources): () => Promise<void> {
  const showTopics = figureGauges(registry, TOPIC_GAUGES, ['topic'])
  const showLoad = figureGauges(registry, LOAD_GAUGES)
  const showRetention = figureCounters(registry, RETENTION)
  const unavailable = new Gauge({
    name: 'goqueue_partitions_unavailable',
    help: 'Partitions that do not serve; /readyz names them.',
    registers: [registry],
  })
  const recovery = new Gauge({
    name: 'goqueue_recovery_duration_seconds',
    help: 'Time from the start until the room was ready, by room.',
    labelNames: ['room'],
    registers: [registry],
  })
  return async () => {
    showLoad([[{}, sources.load()]])
    showRetention([[{}, sources.retention()]])
    unavailable.set(sources.unavailablePartitions())
    for (const [room, seconds] of sources.recovery()) recovery.set({ room }, seconds)
    const topics = await sources.topics()
    showTopics(topics.map((figures) => [{ topic: figures.topic }, figures]))
  }
}
