import { describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  Meters,
  type MetricSources,
  Metrics,
  NO_FIGURES,
} from '../../../src/observability/index.ts'

function open(sources: Partial<MetricSources> = {}) {
  const meters = new Meters()
  const metrics = new Metrics(meters, { ...NO_FIGURES, ...sources }, { version: '1.2.3' })
  onTestFinished(() => metrics.close())
  return { meters, metrics }
}

/** The lines of one metric, its HELP and TYPE left out. */
async function linesOf(metrics: Metrics, name: string): Promise<readonly string[]> {
  const text = await metrics.text()
  return text.split('\n').filter((line) => line.startsWith(name))
}

describe('metrics', () => {
  test('count operations by outcome', async () => {
    const { meters, metrics } = open()
    const publish = meters.operation('records.publish')
    publish.succeeded(0.001)
    publish.succeeded(0.002)
    publish.failed('TOPIC_NOT_FOUND', 0.0001)
    expect(await linesOf(metrics, 'goqueue_operations_total')).toEqual([
      'goqueue_operations_total{operation="records.publish",code="OK"} 2',
      'goqueue_operations_total{operation="records.publish",code="TOPIC_NOT_FOUND"} 1',
    ])
  })

  test('tell of priorities under their words', async () => {
    const { metrics } = open({
      priorities: () => ({
        ...{ ready: [1, 0, 7, 0, 2], inFlight: [3], served: [4, 0, 9] },
        waits: [{ bounds: [0.1], counts: [2, 1], sum: 0.5 }],
      }),
    })
    expect(await linesOf(metrics, 'goqueue_priority_ready{priority="normal"}')).toEqual([
      'goqueue_priority_ready{priority="normal"} 7',
    ])
    expect(await linesOf(metrics, 'goqueue_priority_served_total{priority="critical"}')).toEqual([
      'goqueue_priority_served_total{priority="critical"} 4',
    ])
    expect(await linesOf(metrics, 'goqueue_priority_wait_seconds_count')).toEqual([
      'goqueue_priority_wait_seconds_count{priority="critical"} 3',
    ])
  })

  test('are the same when they are scraped twice', async () => {
    const { meters, metrics } = open()
    meters.operation('topics.list').succeeded(1)
    meters.topic('orders').readMessages = 7
    const names = ['goqueue_operations_total', 'goqueue_read_messages_total']
    for (const name of names) {
      expect(await linesOf(metrics, name)).toEqual(await linesOf(metrics, name))
    }
  })

  test('tell how many messages wait, and how late they were', async () => {
    const lateness = { bounds: [0.001, 0.01], counts: [3, 1, 0], sum: 0.007 }
    const { metrics } = open({
      delays: () => ({ ...NO_FIGURES.delays(), pending: 5, cancelled: 2, lateness }),
    })
    const text = await metrics.text()
    expect(text).toContain('goqueue_delayed_pending 5')
    expect(text).toContain('goqueue_delayed_cancelled_total 2')
    expect(text).toContain('goqueue_delay_lateness_seconds_bucket{le="0.01"} 4')
  })

  test('tell what deliveries count and hold', async () => {
    const { metrics } = open({
      deliveries: () => ({ ...NO_FIGURES.deliveries(), acks: 3, deadLetters: 2 }),
    })
    expect(await linesOf(metrics, 'goqueue_acks_total')).toEqual(['goqueue_acks_total 3'])
    expect(await linesOf(metrics, 'goqueue_dlq_messages')).toEqual(['goqueue_dlq_messages 2'])
  })

  test('hold durations as a cumulative histogram', async () => {
    const { meters, metrics } = open()
    const read = meters.operation('records.read')
    for (const seconds of [0.0001, 0.00015, 5]) read.succeeded(seconds)
    const lines = await linesOf(metrics, 'goqueue_operation_duration_seconds')
    const label = 'operation="records.read"'
    expect(lines).toContain(`goqueue_operation_duration_seconds_bucket{${label},le="0.0001"} 1`)
    expect(lines).toContain(`goqueue_operation_duration_seconds_bucket{${label},le="0.0002"} 2`)
    expect(lines).toContain(`goqueue_operation_duration_seconds_bucket{${label},le="1.6384"} 2`)
    expect(lines).toContain(`goqueue_operation_duration_seconds_bucket{${label},le="+Inf"} 3`)
    expect(lines).toContain(`goqueue_operation_duration_seconds_count{${label}} 3`)
    expect(lines).toContain(`goqueue_operation_duration_seconds_sum{${label}} 5.00025`)
  })

  test('show the traffic of a topic until it is deleted', async () => {
    const { meters, metrics } = open()
    const orders = meters.topic('orders')
    orders.publishedMessages += 3
    orders.publishedBytes += 300
    expect(await linesOf(metrics, 'goqueue_published_bytes_total')).toEqual([
      'goqueue_published_bytes_total{topic="orders"} 300',
    ])
    meters.forgetTopic('orders')
    expect(await linesOf(metrics, 'goqueue_published')).toEqual([])
  })

  test('show sizes, waiters and problems of the moment of the scrape', async () => {
    let waiting = 1
    let topics = [{ topic: 'a', partitions: 3, sizeBytes: 1024, segments: 4, messages: 9 }]
    const { metrics } = open({
      topics: async () => topics,
      load: () => ({ ...NO_FIGURES.load(), waiters: waiting }),
      unavailablePartitions: () => 2,
    })
    expect(await linesOf(metrics, 'goqueue_topic_')).toEqual([
      'goqueue_topic_partitions{topic="a"} 3',
      'goqueue_topic_messages{topic="a"} 9',
      'goqueue_topic_size_bytes{topic="a"} 1024',
      'goqueue_topic_segments{topic="a"} 4',
    ])
    expect(await linesOf(metrics, 'goqueue_waiters')).toEqual(['goqueue_waiters 1'])
    expect(await linesOf(metrics, 'goqueue_partitions_un')).toEqual([
      'goqueue_partitions_unavailable 2',
    ])
    waiting = 5
    topics = []
    expect(await linesOf(metrics, 'goqueue_waiters')).toEqual(['goqueue_waiters 5'])
    expect(await linesOf(metrics, 'goqueue_topic_')).toEqual([])
  })

  test('of the log count syncs and their failures', async () => {
    const { meters, metrics } = open()
    meters.sync.observe(0.004)
    meters.syncFailures += 1
    const lines = await linesOf(metrics, 'goqueue_log_sync')
    expect(lines).toContain('goqueue_log_sync_duration_seconds_count 1')
    expect(lines).toContain('goqueue_log_sync_failures_total 1')
  })

  test('of HTTP show each route that was asked for', async () => {
    const seconds = { bounds: [0.1, 1], counts: [2, 1, 0], sum: 0.7 }
    const route = { method: 'GET', route: '/topics/:topic', seconds }
    const unused = { ...route, outcomes: { '2xx': 0 }, seconds: { ...seconds, counts: [0, 0, 0] } }
    const routes = [
      { ...route, outcomes: { '2xx': 2, '4xx': 1 } },
      { ...unused, route: '/other' },
    ]
    const http = () => ({
      ...NO_FIGURES.http(),
      longPollsWaiting: 4,
      connectionsRefused: 2,
      routes,
    })
    const { metrics } = open({ http })
    const lines = await linesOf(metrics, 'goqueue_http_')
    const label = 'method="GET",route="/topics/:topic"'
    expect(lines).toContain(`goqueue_http_requests_total{${label},status="2xx"} 2`)
    expect(lines).toContain(`goqueue_http_requests_total{${label},status="4xx"} 1`)
    expect(lines).toContain(`goqueue_http_request_duration_seconds_bucket{${label},le="1"} 3`)
    expect(lines).toContain('goqueue_http_long_polls_waiting 4')
    expect(lines).toContain('goqueue_http_connections_refused_total 2')
    expect(lines.join()).not.toContain('/other')
  })

  test('of groups show how many there are and what became of them', async () => {
    const groups = () => ({ ...NO_FIGURES.groups(), groups: 2, members: 7, retentionSkipped: 3 })
    const { metrics } = open({ groups })
    const lines = [
      ...(await linesOf(metrics, 'goqueue_group')),
      ...(await linesOf(metrics, 'goqueue_retention')),
    ]
    expect(lines).toContain('goqueue_groups 2')
    expect(lines).toContain('goqueue_group_members 7')
    expect(lines).toContain('goqueue_group_rebalances_total 0')
    expect(lines).toContain('goqueue_retention_skipped_total 3')
  })

  test('of the lag are those of the moment: a group that is gone has none', async () => {
    let lags = [{ group: 'g', topic: 't', messages: 5, members: 2 }]
    const { metrics } = open({ groupLags: async () => lags })
    expect(await linesOf(metrics, 'goqueue_group_lag')).toEqual([
      'goqueue_group_lag_messages{group="g",topic="t"} 5',
    ])
    lags = []
    expect(await linesOf(metrics, 'goqueue_group_lag')).toEqual([])
  })

  test('each have a help text, a unit or a total, and our name', () => {
    const catalogue = open().metrics.catalogue()
    const ours = catalogue.filter(({ name }) => name.startsWith('goqueue_'))
    expect(ours.length).toBeGreaterThan(10)
    for (const { name, type, help } of ours) {
      expect(help, name).toMatch(/^[A-Z].*\.$/)
      expect(name.endsWith('_total'), name).toBe(type === 'counter')
    }
  })

  test('of two brokers in one process stand apart', async () => {
    const [one, other] = [open(), open()]
    one.meters.topic('orders').readBytes = 5
    expect(await linesOf(other.metrics, 'goqueue_read_bytes_total')).toEqual([])
  })

  test('name what runs, and the process with it', async () => {
    const text = await open().metrics.text()
    expect(text).toContain(
      `goqueue_build_info{version="1.2.3",node_version="${process.version}"} 1`,
    )
    expect(text).toContain('process_resident_memory_bytes')
    expect(text).not.toContain('nodejs_eventloop_lag')
  })

  test('show a blocked event loop as lag', async () => {
    const { metrics } = open()
    const blocker = setInterval(blockLoop, 1)
    onTestFinished(() => clearInterval(blocker))
    const isLate = async () => expect(await worstLagSeconds(metrics)).toBeGreaterThan(0.1)
    await vi.waitFor(isLate, { interval: 400, timeout: 4000 })
  })
})

function blockLoop(): void {
  const until = performance.now() + 130
  while (performance.now() < until);
}

async function worstLagSeconds(metrics: Metrics): Promise<number> {
  const lines = await linesOf(metrics, 'goqueue_event_loop_lag_seconds{quantile="1"}')
  return Number(lines[0]?.split(' ').at(-1))
}
