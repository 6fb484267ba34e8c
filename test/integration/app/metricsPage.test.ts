/** What a running daemon shows, held against docs/metrics.md and Prometheus' own rules. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { metricsPage } from '../../../src/observability/index.ts'
import { exposed } from '../../support/exposition.ts'
import { type InProcessDaemon, startInProcess } from '../../support/inProcessDaemon.ts'
import { HAS_PROMTOOL, promtool } from '../../support/promtool.ts'

const page = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8')
const ROW = /^\| `(\w+)` \| (\w+) \| (\w*) \| ([^|]*) \| ([^|]+) \|$/gm

const documented = new Map(
  [...page.matchAll(ROW)].map(([, name = '', type, , labels = '']) => [
    name,
    { type, labels: labels.match(/\w+/g) ?? [] },
  ]),
)
const isOurs = (name: string): boolean => name.startsWith('goqueue_')

const scrape = async ({ url }: InProcessDaemon): Promise<string> =>
  await (await fetch(`${url}/metrics`)).text()

async function post(url: string, body: object): Promise<Record<string, string>> {
  const headers = { 'content-type': 'application/json' }
  const reply = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  return (await reply.json()) as Record<string, string>
}

/** A little of everything that makes series of its own. */
async function busyDaemon(): Promise<InProcessDaemon> {
  const daemon = await startInProcess()
  const { url } = daemon
  await post(`${url}/topics`, { name: 't', num_partitions: 1 })
  const messages = [
    { value: 'a', priority: 'critical' },
    { value: 'b' },
    { value: 'c', delay: '1h' },
  ]
  await post(`${url}/topics/t/messages`, { messages })
  await post(`${url}/topics/none/messages`, { messages })
  const { member_id } = await post(`${url}/groups/g/join`, { client_id: 'c', topics: ['t'] })
  await fetch(`${url}/groups/g/poll?member_id=${member_id}&timeout=0`)
  await fetch(`${url}/nowhere`)
  return daemon
}

/** Of each sample line, the name it belongs to and its labels. */
const series = (text: string): readonly (readonly [name: string, labels: readonly string[]])[] =>
  [...text.matchAll(/^(goqueue_\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? \S+$/gm)].map(
    ([, name = '', labels = '']) =>
      [
        name,
        [...labels.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)].map(([, label = '']) => label),
      ] as const,
  )

describe('docs/metrics.md', () => {
  test('is made from the registry; where it is stale: npm run docs', () => {
    const withoutProcess = (text: string): string => text.split('## The process')[0] ?? ''
    expect(withoutProcess(page)).toBe(withoutProcess(metricsPage()))
  })

  test('names every metric of a running daemon with its type, and none that there is not', async () => {
    const { types } = exposed(await scrape(await startInProcess()))
    const shown = [...types].filter(([name]) => isOurs(name)).sort()
    const told = [...documented].map(([name, { type }]) => [name, type] as const)
    expect(told.filter(([name]) => isOurs(name)).sort()).toEqual(shown)
    const others = [...types.keys()].filter((name) => !isOurs(name))
    expect(others.filter((name) => !documented.has(name))).toEqual([])
  })

  test('names the labels of each series', async () => {
    const wrong = series(await scrape(await busyDaemon())).filter(([name, labels]) =>
      labels.some(
        (label) =>
          !['le', 'quantile'].includes(label) &&
          !documented.get(name)?.labels.some((each) => each === label),
      ),
    )
    expect(wrong).toEqual([])
  })
})

describe('a scrape', () => {
  test('tells of files, journals, the disk and what was refused', async () => {
    const text = await scrape(await busyDaemon())
    const figure = (name: string): number => Number(text.split(`\n${name} `)[1]?.split('\n')[0])
    expect(figure('goqueue_log_written_bytes_total{area="topics"}')).toBeGreaterThan(60)
    expect(figure('goqueue_log_written_bytes_total{area="delay"}')).toBeGreaterThan(30)
    expect(figure('goqueue_log_write_duration_seconds_count{area="state"}')).toBeGreaterThan(1)
    expect(figure('goqueue_log_size_bytes{area="topics"}')).toBeGreaterThan(60)
    expect(figure('goqueue_topic_segments{topic="t"}')).toBe(1)
    expect(figure('goqueue_log_open_files')).toBeGreaterThan(0)
    expect(figure('goqueue_journal_events{machine="topics"}')).toBe(1)
    expect(figure('goqueue_journal_size_bytes{machine="delivery"}')).toBeGreaterThan(30)
    expect(figure('goqueue_disk_free_bytes')).toBeGreaterThan(0)
    expect(figure('goqueue_recovery_duration_seconds{room="topics"}')).toBeGreaterThan(0)
    expect(figure('goqueue_http_refusals_total{code="ROUTE_NOT_FOUND"}')).toBe(1)
    expect(figure('goqueue_http_refusals_total{code="TOPIC_NOT_FOUND"}')).toBe(1)
    expect(figure('goqueue_group_active_members{group="g"}')).toBe(1)
  })

  test('does not change what the next one says of files', async () => {
    const daemon = await busyDaemon()
    const filesOf = (text: string): readonly string[] =>
      text.split('\n').filter((line) => /^goqueue_(?:log_size|log_segments|journal)/.test(line))
    expect(filesOf(await scrape(daemon))).toEqual(filesOf(await scrape(daemon)))
  })

  test.skipIf(!HAS_PROMTOOL)('holds to the rules that promtool knows', async () => {
    expect(promtool(['check', 'metrics'], await scrape(await busyDaemon()))).toBe('')
  })
})
