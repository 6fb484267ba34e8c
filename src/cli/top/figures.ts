/**
 * What two looks at a broker say: rates between them, everything else as of the later one. This is what
 * `goqueue top -o json` prints; names and units are as in the HTTP contract.
 */
import type { PriorityStats } from '../../client/index.ts'
import { PRIORITIES, type PriorityName } from '../../kernel/priority.ts'
import type { Look } from './look.ts'
import { quantileBetween, type Samples } from './samples.ts'

/** All rates are a second. */
export interface TopFigures {
  readonly version: string
  readonly traffic: {
    readonly in_rate: number
    readonly out_rate: number
    readonly in_bytes_rate: number
    readonly out_bytes_rate: number
    readonly request_rate: number
    readonly refusal_rate: number
    /** Null where nothing was published. */
    readonly publish_p99_seconds: number | null
    readonly sync_p99_seconds: number | null
  }
  readonly process: {
    readonly uptime_seconds: number
    /** The 99th percentile of the last 15 s. */
    readonly event_loop_lag_seconds: number
    readonly cpu_cores: number
    readonly memory_bytes: number
    readonly heap_bytes: number
    readonly open_files: number | null
    readonly disk_free_bytes: number | null
    readonly polls_waiting: number
    readonly partitions_unavailable: number
  }
  readonly deliveries: {
    readonly in_flight: number
    readonly backoff: number
    readonly dead_letters: number
    readonly ack_rate: number
    readonly nack_rate: number
    readonly expiry_rate: number
  }
  readonly delayed: {
    readonly pending: number
    readonly delivery_rate: number
    readonly lateness_p99_seconds: number | null
  }
  readonly lanes: Readonly<Record<PriorityName, LaneFigures>>
  readonly topics: readonly TopicFigures[]
  readonly groups: readonly GroupFigures[]
}

export interface LaneFigures {
  readonly ready: number
  readonly in_flight: number
  readonly served_rate: number
}

export interface TopicFigures {
  readonly topic: string
  readonly partitions: number
  readonly messages: number
  readonly size_bytes: number
  readonly in_rate: number
  readonly out_rate: number
  /** Of all its groups. */
  readonly lag: number
  /** Of groups in mode ack. */
  readonly ready: number
  readonly in_flight: number
}

export interface GroupFigures {
  readonly group: string
  readonly members: number
  readonly topics: number
  readonly lag: number
  readonly in_flight: number
}

export function figuresBetween(before: Look | undefined, now: Look): TopFigures {
  const rates = new Rates(before, now)
  const { samples, priorities } = now
  return {
    version: samples.all('goqueue_build_info')[0]?.labels['version'] ?? '',
    traffic: trafficOf(rates),
    process: processOf(rates, samples),
    deliveries: {
      in_flight: samples.sum('goqueue_in_flight'),
      backoff: samples.sum('goqueue_backoff_waiting'),
      dead_letters: samples.sum('goqueue_dlq_messages'),
      ack_rate: rates.of('goqueue_acks_total'),
      nack_rate: rates.of('goqueue_nacks_total'),
      expiry_rate: rates.of('goqueue_leases_expired_total'),
    },
    delayed: {
      pending: samples.sum('goqueue_delayed_pending'),
      delivery_rate: rates.of('goqueue_delayed_delivered_total'),
      lateness_p99_seconds: rates.p99('goqueue_delay_lateness_seconds'),
    },
    lanes: lanesOf(rates, priorities),
    topics: topicsOf(rates, now),
    groups: groupsOf(now),
  }
}

const isPublish = ({ operation = '' }: Readonly<Record<string, string>>): boolean =>
  operation.startsWith('records.publish')

const trafficOf = (rates: Rates): TopFigures['traffic'] => ({
  in_rate: rates.of('goqueue_published_messages_total'),
  out_rate: rates.of('goqueue_read_messages_total'),
  in_bytes_rate: rates.of('goqueue_published_bytes_total'),
  out_bytes_rate: rates.of('goqueue_read_bytes_total'),
  request_rate: rates.of('goqueue_http_requests_total'),
  refusal_rate: rates.of('goqueue_http_refusals_total'),
  publish_p99_seconds: rates.p99('goqueue_operation_duration_seconds', isPublish),
  sync_p99_seconds: rates.p99('goqueue_log_sync_duration_seconds'),
})

function processOf(rates: Rates, samples: Samples): TopFigures['process'] {
  const lag = samples.value('goqueue_event_loop_lag_seconds', { quantile: '0.99' })
  const startedAt = samples.value('process_start_time_seconds')
  return {
    uptime_seconds: startedAt === undefined ? 0 : Math.max(0, Date.now() / 1000 - startedAt),
    event_loop_lag_seconds: lag ?? 0,
    cpu_cores: rates.of('process_cpu_seconds_total'),
    memory_bytes: samples.sum('process_resident_memory_bytes'),
    heap_bytes: samples.sum('nodejs_heap_size_used_bytes'),
    open_files: samples.value('process_open_fds') ?? null,
    disk_free_bytes: samples.value('goqueue_disk_free_bytes') ?? null,
    polls_waiting: samples.sum('goqueue_waiters'),
    partitions_unavailable: samples.sum('goqueue_partitions_unavailable'),
  }
}

function lanesOf(rates: Rates, priorities: PriorityStats): TopFigures['lanes'] {
  const served = rates.by('priority', 'goqueue_priority_served_total')
  const lanes = PRIORITIES.map((name) => [
    name,
    {
      ready: priorities.messages_by_priority[name],
      in_flight: priorities.in_flight_by_priority[name],
      served_rate: served(name),
    },
  ])
  return Object.fromEntries(lanes) as TopFigures['lanes']
}

function topicsOf(rates: Rates, { samples, priorities }: Look): readonly TopicFigures[] {
  const ofTopic = (name: string) => samples.by('topic', name)
  const [messages, sizes, lags] = [
    ofTopic('goqueue_topic_messages'),
    ofTopic('goqueue_topic_size_bytes'),
    ofTopic('goqueue_group_lag_messages'),
  ]
  const published = rates.by('topic', 'goqueue_published_messages_total')
  const read = rates.by('topic', 'goqueue_read_messages_total')
  return [...ofTopic('goqueue_topic_partitions')].map(([topic, partitions]) => {
    const lanes = Object.values(priorities.topics[topic] ?? {}).flatMap(Object.values<Lane>)
    return {
      ...{
        topic,
        partitions,
        messages: messages.get(topic) ?? 0,
        size_bytes: sizes.get(topic) ?? 0,
      },
      ...{ in_rate: published(topic), out_rate: read(topic), lag: lags.get(topic) ?? 0 },
      ready: lanes.reduce((sum, lane) => sum + lane.ready, 0),
      in_flight: lanes.reduce((sum, lane) => sum + lane.in_flight, 0),
    }
  })
}

interface Lane {
  readonly ready: number
  readonly in_flight: number
}

function groupsOf({ samples, priorities }: Look): readonly GroupFigures[] {
  const lags = samples.by('group', 'goqueue_group_lag_messages')
  return [...samples.by('group', 'goqueue_group_active_members')].map(([group, members]) => ({
    ...{ group, members, lag: lags.get(group) ?? 0 },
    topics: samples.all('goqueue_group_lag_messages', { group }).length,
    in_flight: Object.values(priorities.groups[group]?.in_flight ?? {}).reduce((a, b) => a + b, 0),
  }))
}

/** What counters grew by between two looks, a second. A counter that went back began anew. */
class Rates {
  readonly #before: Samples | undefined
  readonly #now: Samples
  readonly #seconds: number

  constructor(before: Look | undefined, now: Look) {
    this.#before = before?.samples
    this.#now = now.samples
    this.#seconds = before === undefined ? 0 : (now.atMs - before.atMs) / 1000
  }

  of(name: string): number {
    return this.#rate(this.#before?.sum(name), this.#now.sum(name))
  }

  /** For each value of one label. */
  by(label: string, name: string): (value: string) => number {
    const [before, now] = [this.#before?.by(label, name), this.#now.by(label, name)]
    return (value) => this.#rate(before && (before.get(value) ?? 0), now.get(value) ?? 0)
  }

  p99(name: string, only?: (labels: Readonly<Record<string, string>>) => boolean): number | null {
    if (this.#before === undefined) return null
    const query = { name, quantile: 0.99, ...(only === undefined ? {} : { only }) }
    return quantileBetween(this.#before, this.#now, query)
  }

  #rate(before: number | undefined, now: number): number {
    if (before === undefined || this.#seconds <= 0) return 0
    return (now >= before ? now - before : now) / this.#seconds
  }
}
