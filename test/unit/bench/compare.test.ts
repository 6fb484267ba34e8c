import { describe, expect, test } from 'vitest'
import { compareRuns, comparisonText } from '../../../bench/support/compare.ts'
import { judge, type RunResult, summarize } from '../../../bench/support/result.ts'
import { type Bar, ratioAtLeast, valueAtMost } from '../../../bench/support/scenario.ts'
import { chooseSettings } from '../../../bench/support/settings.ts'

interface Given {
  readonly ours: readonly number[]
  readonly floor?: readonly number[]
  readonly name?: string
  readonly bar?: Bar
}

const side = (metric: string, turns: readonly number[]) =>
  summarize(turns.map((value) => ({ values: { [metric]: value } })))

function run(...given: readonly Given[]): RunResult {
  const choice = { quick: true, full: false, rounds: 3, coldBytes: undefined, soakMs: undefined }
  const machine = { cpu: 'x', cores: 2, memoryGiB: 1, node: 'v20', kernel: 'l', fileSystem: 'ext4' }
  const scenarios = given.map(
    ({ ours, floor, name = 'sample', bar = ratioAtLeast('rate', 0.5) }) => {
      const sides = {
        floor: floor === undefined ? undefined : side(bar.metric, floor),
        ours: side(bar.metric, ours),
      }
      const verdicts = judge({ bars: [bar] }, sides.floor, sides.ours)
      const head = { name, title: name, unit: 'records/s', durability: 'all', seconds: 1 }
      return { ...head, ...sides, mode: 'quick' as const, verdicts }
    },
  )
  const settings = chooseSettings(choice)
  return { startedAt: 'now', machine, settings, commit: 'abc', scenarios }
}

const judgements = (before: RunResult, after: RunResult) =>
  compareRuns(before, after).changes.map(({ judgement }) => judgement)

describe('a comparison', () => {
  test('is of the ratio to the floor, round by round: a slower machine is no regression', () => {
    const before = run({ ours: [50, 60, 40], floor: [100, 120, 80] })
    const after = run({ ours: [25, 30, 20], floor: [50, 60, 40] })
    const { changes, regressions } = compareRuns(before, after)
    expect(changes[0]).toMatchObject({ of: 'ratio to floor', change: 1, judgement: 'same' })
    expect(regressions).toBe(0)
  })

  test('calls worse what is so by more than a tenth and beyond the spread', () => {
    const steady = run({ ours: [100, 101, 99], floor: [100, 100, 100] })
    const worse = run({ ours: [80, 81, 79], floor: [100, 100, 100] })
    expect(judgements(steady, worse)).toEqual(['worse'])
    expect(judgements(worse, steady)).toEqual(['better'])
    expect(judgements(steady, run({ ours: [95, 96, 94], floor: [100, 100, 100] }))).toEqual([
      'same',
    ])
  })

  test('lets a difference within the spread pass, however large', () => {
    const wide = run({ ours: [100, 60, 140], floor: [100, 100, 100] })
    expect(judgements(wide, run({ ours: [80, 60, 90], floor: [100, 100, 100] }))).toEqual(['same'])
  })

  test('knows of what less is better, and takes the value where there is no floor', () => {
    const bar = valueAtMost('p99', 5)
    const before = run({ ours: [2, 2, 2], bar })
    const after = run({ ours: [3, 3, 3], bar })
    expect(judgements(before, after)).toEqual(['worse'])
    expect(compareRuns(before, after).changes[0]).toMatchObject({ of: 'value', comparedAfter: 3 })
  })

  test('says which scenarios only one of them has', () => {
    const before = run({ ours: [1] }, { ours: [1], name: 'gone' })
    const after = run({ ours: [1] }, { ours: [1], name: 'new' })
    expect(compareRuns(before, after).remarks).toEqual([
      'only in the first: gone',
      'only in the second: new',
    ])
  })

  test('as text has before, after, the change and how many are worse', () => {
    const before = run({ ours: [40, 40, 40], floor: [100, 100, 100] })
    const after = run({ ours: [20, 20, 20], floor: [100, 100, 100] })
    const text = comparisonText(compareRuns(before, after))
    expect(text).toContain('| 40 | 20 | ratio to floor | 0.40 | 0.20 | -50.0 % | **worse** |')
    expect(text).toContain('1 of 1 metrics are worse')
  })
})
