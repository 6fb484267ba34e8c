/** Results as a table and a list, made from results and nothing else. */
import { formatNumber } from './format.ts'
import type { ScenarioResult, SideResult, Verdict } from './result.ts'
import type { Bar } from './scenario.ts'

const bound = (bar: Bar): string =>
  bar.atLeast === undefined
    ? `≤ ${formatNumber(bar.atMost ?? Number.NaN)}`
    : `≥ ${formatNumber(bar.atLeast)}`

const figure = (side: SideResult | undefined, metric: string): string => {
  const found = side?.metrics[metric]
  if (found === undefined) return '–'
  return `${formatNumber(found.median)} (${formatNumber(found.min)} … ${formatNumber(found.max)})`
}

const ratios = ({ comparison }: Verdict): string =>
  comparison === undefined
    ? '–'
    : `${comparison.ratioOfMedians.toFixed(2)} / ${comparison.medianOfRatios.toFixed(2)}`

function row(result: ScenarioResult, verdict: Verdict): string {
  const { bar } = verdict
  const unit = bar.unit ?? result.unit
  const kind = bar.of === 'ratio' ? `${bound(bar)} ×` : `${bound(bar)} ${unit}`
  const state = result.ours === undefined ? 'no figures' : verdict.passed ? 'pass' : '**fail**'
  const cells = [
    `\`${result.name}\``,
    `${bar.metric} [${unit}]`,
    result.durability,
    figure(result.floor, bar.metric),
    figure(result.ours, bar.metric),
    ratios(verdict),
    kind,
    state,
  ]
  return `| ${cells.join(' | ')} |`
}

const notes = (side: SideResult | undefined): string =>
  Object.entries(side?.notes ?? {})
    .map(([name, value]) => `${name} ${formatNumber(value)}`)
    .join(', ')

/** What a scenario does and how it went, as an entry of a list. */
/** What is of another run than the rest of the page. */
function runOf({ run, ours }: ScenarioResult): string {
  if (run === undefined) return ''
  const rounds = Object.values(ours?.metrics ?? {})[0]?.turns.length ?? 0
  const load = run.loadBefore === undefined ? '' : `, load average ${formatNumber(run.loadBefore)}`
  return ` Of ${run.startedAt.slice(0, 16)}Z, commit ${run.commit}: ${rounds} ${rounds === 1 ? 'round' : 'rounds'}${load}.`
}

export function detailOf(result: ScenarioResult): string {
  const lines = [
    `- \`${result.name}\` — ${result.title}. Durability: ${result.durability}; mode ${result.mode}, ${result.seconds} s.${runOf(result)}`,
  ]
  if (result.problem !== undefined) lines.push(`  - did not finish: ${result.problem}`)
  const floor = notes(result.floor)
  const ours = notes(result.ours)
  if (floor !== '') lines.push(`  - floor: ${floor}`)
  if (ours !== '') lines.push(`  - ours: ${ours}`)
  return lines.join('\n')
}

const HEAD = [
  '| Scenario | Metric | Durability | Floor: median (min … max) | Ours: median (min … max) | Ratio | Bar | |',
  '|---|---|---|---|---|---|---|---|',
]

export const tableOf = (results: readonly ScenarioResult[]): string =>
  [...HEAD, ...results.flatMap((each) => each.verdicts.map((verdict) => row(each, verdict)))].join(
    '\n',
  )
