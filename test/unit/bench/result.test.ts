import { describe, expect, test } from 'vitest'
import { pageOf } from '../../../bench/support/page.ts'
import { judge, mergeRuns, type RunResult, summarize } from '../../../bench/support/result.ts'
import { ratioAtLeast, ratioAtMost, valueAtMost } from '../../../bench/support/scenario.ts'
import { chooseSettings } from '../../../bench/support/settings.ts'
import { readWorkload } from '../../../bench/workload/file.ts'
import { Latencies } from '../../../bench/workload/latencies.ts'
import { workloadResult } from '../../../bench/workload/result.ts'

const side = (...rates: number[]) => summarize(rates.map((rate) => ({ values: { rate } })))

const run = (oursRate: number): RunResult => {
  const bars = [ratioAtLeast('rate', 0.5)]
  const floor = side(100, 110, 90)
  const ours = side(oursRate, oursRate, oursRate)
  const scenario = {
    name: 'sample',
    title: 'a sample',
    unit: 'records/s',
    durability: 'leader',
    mode: 'quick' as const,
    seconds: 1,
    floor,
    ours,
    verdicts: judge({ bars }, floor, ours),
  }
  const machine = { cpu: 'x', cores: 2, memoryGiB: 1, node: 'v20', kernel: 'l', fileSystem: 'ext4' }
  const choice = { quick: true, full: false, rounds: 3, coldBytes: undefined, soakMs: undefined }
  const settings = chooseSettings(choice)
  return { startedAt: 'now', machine, settings, commit: 'abc', scenarios: [scenario] }
}

describe('a bar', () => {
  test('passes only when both ratios do', () => {
    const bars = [ratioAtLeast('rate', 0.5)]
    const floor = side(100, 100, 100, 40, 40)
    expect(judge({ bars }, floor, side(60, 60, 60, 60, 60))[0]?.passed).toBe(true)
    // By the medians 0.55, in most rounds below 0.5.
    const uneven = judge({ bars }, side(130, 130, 100, 10, 10), side(55, 60, 40, 55, 60))
    expect(uneven[0]?.comparison?.ratioOfMedians).toBeCloseTo(0.55)
    expect(uneven[0]?.passed).toBe(false)
  })

  test('at most is for times, and an absolute one needs no floor', () => {
    expect(judge({ bars: [ratioAtMost('rate', 1.5)] }, side(2), side(3.1))[0]?.passed).toBe(false)
    expect(judge({ bars: [valueAtMost('rate', 4)] }, undefined, side(3.1))[0]?.passed).toBe(true)
  })

  test('without figures is not passed', () => {
    expect(judge({ bars: [valueAtMost('rate', 4)] }, undefined, undefined)[0]?.passed).toBe(false)
  })
})

describe('the page', () => {
  test('names machine, durability, floor, ours, both ratios, the bar and the verdict', () => {
    const page = pageOf(run(40))
    expect(page).toContain('2 cores')
    expect(page).toContain(
      '| leader | 100 (90 … 110) | 40 (40 … 40) | 0.40 / 0.40 | ≥ 0.5 × | **fail** |',
    )
    expect(pageOf(run(60))).toContain('| pass |')
  })

  test('has the figures of workloads behind it, with what they were taken on', () => {
    const latency = new Latencies().total()
    const published = { messages: 600, errors: 0, latency, delay: latency }
    const received = { messages: 550, latency }
    const before = { publishedBefore: 100, receivedBefore: 50, errorsBefore: 0 }
    const { workload } = readWorkload(
      'name: orders\ntopics: 1\npartitionsPerTopic: 1\nmessageSize: 1000\nsubscriptionsPerTopic: 1\nproducersPerTopic: 1\nproducerRate: 1\ntestDurationMinutes: 1',
      'orders.yaml',
    )
    const { machine } = run(1)
    const facts = { startedAt: 'then', commit: 'def', machine, loadBefore: 0.5, acks: 'all' }
    const result = workloadResult(workload, {
      periods: [{ seconds: 2, published, received, ...before }],
      ...{ published, received },
      run: { ...facts, periodSeconds: 2, seconds: 3, published: 600, received: 550, notes: [] },
    })
    const page = pageOf(run(40), [result])
    expect(page).toContain('| orders | 250 | 250 | 0.25 |')
    expect(page).toContain('- *orders*: then, commit def, acks all, 3 s in all, x, 2 cores')
    expect(pageOf(run(40))).not.toContain('| orders |')
  })
})

describe('results of several runs', () => {
  const runOf = (commit: string, ...names: string[]): RunResult => {
    const [scenario] = run(1).scenarios
    if (scenario === undefined) throw new Error('no scenario')
    return {
      ...{ ...run(1), commit },
      scenarios: names.map((name) => ({ ...scenario, name, title: commit })),
    }
  }

  test('are one: of a scenario in both the later, and what is older says so', () => {
    const merged = mergeRuns([runOf('a', 'x', 'y'), runOf('b', 'y', 'z')])
    expect(merged?.commit).toBe('b')
    expect(merged?.scenarios.map(({ name, title, run }) => [name, title, run?.commit])).toEqual([
      ['x', 'a', 'a'],
      ['y', 'b', undefined],
      ['z', 'b', undefined],
    ])
    expect(mergeRuns([])).toBeUndefined()
  })
})
