/** What a run leaves behind: the shape of its JSON, and how a bar is judged. */
import type { Machine } from './machine.ts'
import type { Bar, Sample, Scenario } from './scenario.ts'
import type { Settings } from './settings.ts'
import { type Comparison, compare, median, type Spread, spread } from './statistics.ts'

export interface SideResult {
  /** For each metric its turns, in order, and their spread. */
  readonly metrics: Readonly<Record<string, { readonly turns: readonly number[] } & Spread>>
  /** Medians of the notes. */
  readonly notes: Readonly<Record<string, number>>
}

export interface Verdict {
  readonly bar: Bar
  /** Undefined where the bar is absolute or the scenario failed. */
  readonly comparison: Comparison | undefined
  readonly passed: boolean
}

export interface ScenarioResult {
  readonly name: string
  readonly title: string
  readonly unit: string
  readonly durability: string
  readonly mode: Settings['mode']
  readonly seconds: number
  readonly floor: SideResult | undefined
  readonly ours: SideResult | undefined
  readonly verdicts: readonly Verdict[]
  /** Why there are no figures. */
  readonly problem?: string
  /** Where it is among results of another run. */
  readonly run?: Pick<RunResult, 'startedAt' | 'commit' | 'loadBefore'>
}

export interface RunResult {
  readonly startedAt: string
  readonly machine: Machine
  readonly settings: Settings
  /** The commit that was measured; `+` where the tree had changes. */
  readonly commit: string
  /** Processes that wanted a core when the run began, by the system's one-minute average; undefined in old files. */
  readonly loadBefore?: number
  readonly scenarios: readonly ScenarioResult[]
}

export function summarize(samples: readonly Sample[]): SideResult {
  const [first] = samples
  const metrics = Object.keys(first?.values ?? {}).map((name) => {
    const turns = samples.map((sample) => sample.values[name] ?? Number.NaN)
    return [name, { turns, ...spread(turns) }] as const
  })
  const notes = Object.keys(first?.notes ?? {}).map(
    (name) => [name, median(samples.map((sample) => sample.notes?.[name] ?? Number.NaN))] as const,
  )
  return { metrics: Object.fromEntries(metrics), notes: Object.fromEntries(notes) }
}

const reaches = (value: number, bar: Bar): boolean =>
  Number.isFinite(value) &&
  value >= (bar.atLeast ?? Number.NEGATIVE_INFINITY) &&
  value <= (bar.atMost ?? Number.POSITIVE_INFINITY)

export function judge(
  scenario: Pick<Scenario, 'bars'>,
  floor: SideResult | undefined,
  ours: SideResult | undefined,
): readonly Verdict[] {
  return scenario.bars.map((bar) => {
    const mine = ours?.metrics[bar.metric]
    if (bar.of === 'value' || mine === undefined) {
      return { bar, comparison: undefined, passed: reaches(mine?.median ?? Number.NaN, bar) }
    }
    const comparison = compare(mine.turns, floor?.metrics[bar.metric]?.turns ?? [])
    const passed =
      reaches(comparison.ratioOfMedians, bar) && reaches(comparison.medianOfRatios, bar)
    return { bar, comparison, passed }
  })
}

/**
 * One result of several runs, the last of which gives it its head: of a scenario that is in two of them the later one's.
 * What is of another run than the last says of which. Undefined where there is none.
 */
export function mergeRuns(runs: readonly RunResult[]): RunResult | undefined {
  const last = runs.at(-1)
  if (last === undefined) return undefined
  const byName = new Map<string, ScenarioResult>()
  for (const each of runs) {
    const { startedAt, commit, loadBefore } = each
    const run = { startedAt, commit, ...(loadBefore === undefined ? {} : { loadBefore }) }
    for (const scenario of each.scenarios) {
      byName.set(scenario.name, each === last ? scenario : { run, ...scenario })
    }
  }
  return { ...last, scenarios: [...byName.values()] }
}
