/**
 * What changed between two runs, metric by metric.
 *
 * Where both runs have a floor it is the ratio to it that is compared, round by round: what the machine did at the time is
 * then in both. Worse counts as a regression where it is worse by more than 10 % AND the difference of the medians
 * is beyond the spread: more than twice the median absolute deviations of both runs together.
 */
import { formatNumber } from './format.ts'
import type { RunResult, ScenarioResult, SideResult } from './result.ts'
import { median, type Spread, spread } from './statistics.ts'

const WORSE_SHARE = 0.1
const SPREADS = 2

export type Judgement = 'worse' | 'better' | 'same'

export interface Change {
  readonly scenario: string
  readonly metric: string
  readonly unit: string
  /** Medians of our side as they were measured. */
  readonly before: number
  readonly after: number
  /** What was compared: our side over its floor, or our side alone. */
  readonly of: 'ratio to floor' | 'value'
  readonly comparedBefore: number
  readonly comparedAfter: number
  /** After over before, of what was compared: 1.1 is a tenth more, whether that is good or bad. */
  readonly change: number
  readonly moreIsBetter: boolean
  readonly judgement: Judgement
}

export interface RunComparison {
  readonly before: Pick<RunResult, 'startedAt' | 'commit'>
  readonly after: Pick<RunResult, 'startedAt' | 'commit'>
  readonly changes: readonly Change[]
  readonly regressions: number
  /** Why figures are to be read with care, and what cannot be compared. */
  readonly remarks: readonly string[]
}

/** What is compared of a metric in one run. */
function seriesOf(scenario: ScenarioResult, metric: string, byFloor: boolean): readonly number[] {
  const ours = scenario.ours?.metrics[metric]?.turns ?? []
  if (!byFloor) return ours
  const floor = floorOf(scenario, metric)
  return ours.map((value, round) => value / (floor[round] ?? median(floor)))
}

const floorOf = (scenario: ScenarioResult, metric: string): readonly number[] =>
  scenario.floor?.metrics[metric]?.turns ?? []

/** Some floors do nothing that takes time, or could not be measured. */
const hasFloor = (scenario: ScenarioResult, metric: string): boolean => {
  const turns = floorOf(scenario, metric)
  return turns.length > 0 && turns.every((value) => Number.isFinite(value) && value > 0)
}

function isMoreBetter({ verdicts, unit }: ScenarioResult, metric: string): boolean {
  const bar = verdicts.find((verdict) => verdict.bar.metric === metric)?.bar
  return bar === undefined ? unit === 'records/s' : bar.atLeast !== undefined
}

function judge(before: Spread, after: Spread, moreIsBetter: boolean): Judgement {
  const share = after.median / before.median - 1
  const gain = moreIsBetter ? share : -share
  const isBeyond = Math.abs(after.median - before.median) > SPREADS * (before.mad + after.mad)
  if (!isBeyond || Math.abs(gain) <= WORSE_SHARE) return 'same'
  return gain < 0 ? 'worse' : 'better'
}

function changesOf(before: ScenarioResult, after: ScenarioResult): readonly Change[] {
  const known = metricsOf(before.ours)
  return metricsOf(after.ours).flatMap((metric) => {
    if (!known.includes(metric)) return []
    const byFloor = hasFloor(before, metric) && hasFloor(after, metric)
    const [a, b] = [
      spread(seriesOf(before, metric, byFloor)),
      spread(seriesOf(after, metric, byFloor)),
    ]
    const moreIsBetter = isMoreBetter(after, metric)
    const bar = after.verdicts.find((verdict) => verdict.bar.metric === metric)?.bar
    return {
      ...{ scenario: after.name, metric, unit: bar?.unit ?? after.unit, moreIsBetter },
      before: medianOf(before, metric),
      after: medianOf(after, metric),
      of: byFloor ? 'ratio to floor' : 'value',
      ...{ comparedBefore: a.median, comparedAfter: b.median },
      change: b.median / a.median,
      judgement: judge(a, b, moreIsBetter),
    } satisfies Change
  })
}

const metricsOf = (side: SideResult | undefined): readonly string[] =>
  Object.keys(side?.metrics ?? {})

const medianOf = (scenario: ScenarioResult, metric: string): number =>
  scenario.ours?.metrics[metric]?.median ?? Number.NaN

function remarksOf(before: RunResult, after: RunResult): readonly string[] {
  const names = ({ scenarios }: RunResult) => scenarios.map(({ name }) => name)
  const missing = (of: RunResult, than: RunResult): readonly string[] =>
    names(than).filter((name) => !names(of).includes(name))
  const machine = ({ cpu, cores, node }: RunResult['machine']) => `${cpu}, ${cores} cores, ${node}`
  const [onlyBefore, onlyAfter] = [missing(after, before), missing(before, after)]
  return [
    ...(machine(before.machine) === machine(after.machine)
      ? []
      : [`other machines: ${machine(before.machine)} and ${machine(after.machine)}`]),
    ...(before.settings.mode === after.settings.mode
      ? []
      : [`other modes: ${before.settings.mode} and ${after.settings.mode}`]),
    ...(onlyBefore.length > 0 ? [`only in the first: ${onlyBefore.join(', ')}`] : []),
    ...(onlyAfter.length > 0 ? [`only in the second: ${onlyAfter.join(', ')}`] : []),
  ]
}

export function compareRuns(before: RunResult, after: RunResult): RunComparison {
  const changes = after.scenarios.flatMap((each) => {
    const earlier = before.scenarios.find(({ name }) => name === each.name)
    return earlier === undefined ? [] : changesOf(earlier, each)
  })
  const head = ({ startedAt, commit }: RunResult) => ({ startedAt, commit })
  return {
    ...{ before: head(before), after: head(after), changes },
    regressions: changes.filter(({ judgement }) => judgement === 'worse').length,
    remarks: remarksOf(before, after),
  }
}

const HEAD = [
  '| Scenario | Before | After | Compared | Before | After | Change | |',
  '|---|---|---|---|---|---|---|---|',
]

const percent = (change: number): string => {
  const share = (change - 1) * 100
  return Number.isFinite(share) ? `${share >= 0 ? '+' : ''}${share.toFixed(1)} %` : '–'
}

function row(change: Change): string {
  const { scenario, metric, unit, of, comparedBefore, comparedAfter, judgement } = change
  const compared = (value: number): string =>
    of === 'value' ? formatNumber(value) : value.toFixed(2)
  const cells = [
    `\`${scenario}\` ${metric} [${unit}]`,
    formatNumber(change.before),
    formatNumber(change.after),
    of,
    compared(comparedBefore),
    compared(comparedAfter),
    percent(change.change),
    judgement === 'worse' ? '**worse**' : judgement === 'better' ? 'better' : '',
  ]
  return `| ${cells.join(' | ')} |`
}

/** A table of every metric that both have, and how many are worse. */
export function comparisonText({
  before,
  after,
  changes,
  regressions,
  remarks,
}: RunComparison): string {
  const run = ({ startedAt, commit }: RunComparison['before']): string => `${startedAt}, ${commit}`
  const summary =
    regressions === 0
      ? `None of ${changes.length} metrics is worse by more than 10 % and beyond the spread.`
      : `${regressions} of ${changes.length} metrics are worse by more than 10 % and beyond the spread.`
  return [
    `before: ${run(before)}`,
    `after:  ${run(after)}`,
    ...remarks.map((remark) => `note:   ${remark}`),
    '',
    ...HEAD,
    ...changes.map(row),
    '',
    summary,
  ].join('\n')
}
