import { describe, expect, test } from 'vitest'
import { pageOf } from '../../../bench/support/page.ts'
import { judge, type RunResult, summarize } from '../../../bench/support/result.ts'
import { ratioAtLeast, ratioAtMost, valueAtMost } from '../../../bench/support/scenario.ts'
import { chooseSettings } from '../../../bench/support/settings.ts'

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
})
