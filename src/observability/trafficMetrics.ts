/** Calls, traffic by topic and syncs, as the hot path counts them. */
import { Counter, type Registry } from 'prom-client'
import { type FigureTable, figureCounters } from './figureMetrics.ts'
import type { Meters, OperationMeter, TopicMeter } from './meters.ts'
import { PlainHistogram } from './plainHistogram.ts'

export function registerOperations(registry: Registry, { operations }: Meters): void {
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
    labelNames: ['operation'],
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

const TRAFFIC: FigureTable<keyof TopicMeter> = {
  goqueue_published_messages_total: ['Messages accepted by topic.', 'publishedMessages'],
  goqueue_published_bytes_total: [
    'Bytes of accepted records by topic, as sent: key, value and headers.',
    'publishedBytes',
  ],
  goqueue_read_messages_total: [
    'Messages sent to readers by topic: by offset, to groups, and handed out.',
    'readMessages',
  ],
  goqueue_read_bytes_total: ['Bytes of records sent to readers by topic.', 'readBytes'],
}

/** Returns how to bring them up to date. */
export function registerTraffic(registry: Registry, { topics }: Meters): () => void {
  const show = figureCounters(registry, TRAFFIC, ['topic'])
  return () => show([...topics].map(([topic, meter]) => [{ topic }, meter]))
}

export function registerSyncs(registry: Registry, meters: Meters): void {
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
