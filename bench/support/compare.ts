/** What changed between two runs, scenario by scenario. */
import { formatNumber } from './format.ts'
import type { RunResult, ScenarioResult } from './result.ts'

const percent = (before: number, after: number): string => {
  const change = (after / before - 1) * 100
  return Number.isFinite(change) ? `${change >= 0 ? '+' : ''}${change.toFixed(1)} %` : '–'
}

function differences(before: ScenarioResult, after: ScenarioResult): string[] {
  return Object.keys(after.ours?.metrics ?? {}).map((metric) => {
    const [a, b] = [before, after].map((each) => ({
      ours: each.ours?.metrics[metric]?.median ?? Number.NaN,
      floor: each.floor?.metrics[metric]?.median ?? Number.NaN,
    }))
    if (a === undefined || b === undefined) return ''
    const cells = [
      `\`${after.name}\` ${metric} [${after.unit}]`,
      formatNumber(a.ours),
      formatNumber(b.ours),
      percent(a.ours, b.ours),
      `${(a.ours / a.floor).toFixed(2)} → ${(b.ours / b.floor).toFixed(2)}`,
      percent(a.ours / a.floor, b.ours / b.floor),
    ]
    return `| ${cells.join(' | ')} |`
  })
}

/** A table of every scenario that both have; the change of the ratio is the one to trust. */
export function comparisonOf(before: RunResult, after: RunResult): string {
  const rows = after.scenarios.flatMap((each) => {
    const earlier = before.scenarios.find(({ name }) => name === each.name)
    return earlier === undefined ? [] : differences(earlier, each)
  })
  return [
    '| Scenario | Before | After | Change | Ratio to floor | Change of ratio |',
    '|---|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}
