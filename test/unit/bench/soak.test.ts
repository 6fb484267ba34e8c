import { mkdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { COUNTS, type Counts } from '../../../bench/soak/load/world.ts'
import { soakPage } from '../../../bench/soak/page.ts'
import { chartOf, tableText, verdictText } from '../../../bench/soak/report.ts'
import { complaintsOf, type SoakResult } from '../../../bench/soak/result.ts'
import { diskUse, metricSums, type Sample } from '../../../bench/soak/sampling.ts'
import { judgeSeries, minimaOf, SERIES, theilSen } from '../../../bench/soak/series.ts'

const EVERY_S = 15
const SAMPLES = 120

const points = (value: (at: number) => number) =>
  Array.from({ length: SAMPLES }, (_, i) => ({ at: i * EVERY_S, value: value(i * EVERY_S) }))

const slope = { kind: 'slope', perHour: 24, step: 8 } as const
const spec = { name: 'rss', unit: 'MB', title: 'memory', judge: slope }
const perHour = (mb: number) => (at: number) => 200 + (mb * at) / 3_600

describe('a line', () => {
  test('is flat within its band and rising beyond it', () => {
    expect(judgeSeries(spec, points(perHour(20)), 0).verdict).toBe('flat')
    const rising = judgeSeries(spec, points(perHour(40)), 0)
    expect(rising).toMatchObject({ verdict: 'rising', band: '≤ 24 MB/h' })
    expect(rising.perHour).toBeCloseTo(40)
    expect(judgeSeries(spec, points(perHour(-400)), 0).verdict).toBe('flat')
  })

  test('rises by its slope only where its end lies a step above its start', () => {
    const short = points(perHour(400)).slice(0, 4)
    expect(judgeSeries(spec, short, 0)).toMatchObject({ verdict: 'flat' })
  })

  test('is judged after the warm-up', () => {
    const filling = points((at) => Math.min(1_000, at))
    expect(judgeSeries(spec, filling, 0).verdict).toBe('rising')
    expect(judgeSeries(spec, filling, 1_000).verdict).toBe('flat')
  })

  test('of minima forgets what lies above them', () => {
    const sawing = points((at) => 50 + (at % 60) * (1 + at / 600))
    expect(judgeSeries(spec, sawing, 0).verdict).toBe('rising')
    const minima = { ...spec, judge: { ...slope, minima: true } }
    expect(judgeSeries(minima, sawing, 0).verdict).toBe('flat')
    expect(minimaOf(sawing, 60)).toHaveLength((SAMPLES * EVERY_S) / 60)
    expect(judgeSeries(minima, sawing.slice(0, 20), 0).verdict).not.toBe('no figures')
  })

  test('with a bound is judged by its greatest value', () => {
    const bound = { ...spec, judge: { kind: 'below', most: 30 } } as const
    expect(
      judgeSeries(
        bound,
        points((at) => at % 20),
        0,
      ).verdict,
    ).toBe('flat')
    expect(
      judgeSeries(
        bound,
        points((at) => at % 40),
        0,
      ).verdict,
    ).toBe('too high')
    expect(judgeSeries(bound, [], 0).verdict).toBe('no figures')
  })

  test('that is only shown is not judged', () => {
    const shown = { ...spec, judge: { kind: 'shown' } } as const
    expect(judgeSeries(shown, points(perHour(900)), 0)).toMatchObject({
      verdict: '–',
      most: 646.25,
    })
  })

  test('has a slope that outliers do not move', () => {
    const spiked = points((at) => (at % 100 === 0 ? 1e6 : at * 2))
    expect(theilSen(spiked)).toBeCloseTo(2, 0)
    expect(theilSen([])).toBeNaN()
  })
})

const sampleAt = (at: number, rss: number): Sample => ({
  ...(Object.fromEntries(SERIES.map(({ name }) => [name, 1])) as Omit<Sample, 'at'>),
  ...{ at, rss },
})

const resultWith = (change: Partial<SoakResult> = {}): SoakResult => ({
  ...{ startedAt: 'now', commit: 'abc', loadBefore: 0.1, minutes: 30, warmupMinutes: 1 },
  ...{ ratePerSecond: 2_000, valueBytes: 200 },
  machine: { cpu: 'x', cores: 2, memoryGiB: 1, node: 'v20', kernel: 'l', fileSystem: 'ext4' },
  samples: points(() => 0).map(({ at }) => sampleAt(at, 100)),
  counts: Object.fromEntries(COUNTS.map((name) => [name, 5])) as Counts,
  problems: {},
  left: { lag: 0, delayed: 0 },
  ...change,
})

describe('a soak', () => {
  test('is passed where all is flat, nothing went wrong and nothing is left', () => {
    expect(complaintsOf(resultWith())).toEqual([])
    expect(verdictText(resultWith())).toContain('All lines are flat')
    expect(soakPage(resultWith())).toContain('**every line is flat**')
  })

  test('names what rises, what went wrong and what is left', () => {
    const samples = points(() => 0).map(({ at }) => sampleAt(at, 100 + at))
    const problems = { 'redrive: STORAGE_ERROR': 3 }
    const result = resultWith({ samples, problems, left: { lag: 2, delayed: 1 } })
    expect(complaintsOf(result)).toEqual([
      'rss: rising (≤ 24 MB/h)',
      'redrive: STORAGE_ERROR: 3 times',
      '2 records were not settled in the end',
      '1 delayed messages still waited in the end',
    ])
    expect(soakPage(result)).toContain('**not passed**')
    expect(tableText(result)).toMatch(/^rss +MB .*rising$/m)
  })

  test('draws a line from nothing to its greatest value', () => {
    expect(chartOf([0, 1, 2, 4], 4)).toBe('▁▃▅█')
    expect(chartOf([5, 5, 5, 5, 5, 5], 3)).toBe('███')
  })
})

describe('a look at the daemon', () => {
  test('adds up what lies in its directory by what it is', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'goqueue-soak-'))
    onTestFinished(() => rm(directory, { recursive: true, force: true }))
    const files = {
      'topics/a~1/0/00.log': 10,
      'topics/a~1/0/00.index': 3,
      'delay/a~1/0/00.log': 5,
      'state/groups/journal/00.log': 7,
      'state/groups/snapshot': 2,
      FORMAT: 100,
    }
    for (const [path, bytes] of Object.entries(files)) {
      mkdirSync(join(directory, path, '..'), { recursive: true })
      writeFileSync(join(directory, path), Buffer.alloc(bytes))
    }
    expect(diskUse(directory)).toEqual({
      ...{ logs: 10, indexes: 3, 'log files': 2, 'delay logs': 5, journals: 7, snapshots: 2 },
    })
  })

  test('adds up a metric over its labels, and takes of quantiles the 99th', () => {
    const text =
      '# HELP x\na_total 1\nb{t="x"} 2\nb{t="y"} 3.5\nlag{quantile="0.5"} 1\nlag{quantile="0.99"} 9\n'
    const sums = metricSums(text)
    expect([sums.get('a_total'), sums.get('b'), sums.get('lag')]).toEqual([1, 5.5, 9])
  })
})
