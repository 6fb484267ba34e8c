/** A workload's figures as people read them. */
import { formatNumber } from '../support/format.ts'
import { median } from '../support/statistics.ts'
import type { Workload } from './file.ts'
import type { Period, WorkloadResult } from './result.ts'

const perSecond = (messages: number, seconds: number): string =>
  `${formatNumber(messages / Math.max(0.001, seconds))}/s`

/** A line on a period, while it runs. */
export function periodText({ subscriptionsPerTopic }: Workload, period: Period): string {
  const { published, received, seconds } = period
  const behind = subscriptionsPerTopic * published.messages - received.messages
  return [
    `published ${perSecond(published.messages - period.publishedBefore, seconds)}`,
    `read ${perSecond(received.messages - period.receivedBefore, seconds)}`,
    `behind ${formatNumber(Math.max(0, behind))}`,
    `publish p50 ${formatNumber(published.latency['50pct'])} p99 ${formatNumber(published.latency['99pct'])} ms`,
    `end to end p50 ${formatNumber(received.latency['50pct'])} p99 ${formatNumber(received.latency['99pct'])} ms`,
  ].join('  ')
}

const HEAD = [
  'Workload',
  'Published [/s]',
  'Read [/s]',
  'MB/s',
  'Publish p50 / p99 / p99.9 [ms]',
  'End to end p50 / p99 / p99.9 [ms]',
  'Backlog at the end',
  'Errors [/s]',
]

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`

const three = (...values: readonly number[]): string => values.map(formatNumber).join(' / ')

function resultRow(result: WorkloadResult): string {
  const rate = median(result.publishRate)
  return row([
    result.workload,
    formatNumber(rate),
    formatNumber(median(result.consumeRate)),
    formatNumber((rate * result.messageSize) / 1e6),
    three(
      result.aggregatedPublishLatency50pct,
      result.aggregatedPublishLatency99pct,
      result.aggregatedPublishLatency999pct,
    ),
    three(
      result.aggregatedEndToEndLatency50pct,
      result.aggregatedEndToEndLatency99pct,
      result.aggregatedEndToEndLatency999pct,
    ),
    formatNumber(result.backlog.at(-1) ?? Number.NaN),
    formatNumber(Math.max(0, ...result.publishErrorRate)),
  ])
}

/** Rates are medians of the periods. */
export const workloadTable = (results: readonly WorkloadResult[]): string =>
  [row(HEAD), row(HEAD.map(() => '---')), ...results.map(resultRow)].join('\n')
