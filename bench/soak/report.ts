/** The table of a soak: on a terminal, and in docs/soak.md. */
import { formatNumber } from '../support/format.ts'
import { complaintsOf, type SoakResult, verdictsOf } from './result.ts'

const BARS = '▁▂▃▄▅▆▇█'
const CHART_CHARS = 40

/** The run as a line of bars, from nothing to its greatest value; a bar is the greatest of its stretch. */
export function chartOf(values: readonly number[], chars = CHART_CHARS): string {
  const known = values.filter(Number.isFinite)
  const most = Math.max(...known, Number.MIN_VALUE)
  const width = Math.min(chars, known.length)
  return Array.from({ length: width }, (_, i) => {
    const from = Math.floor((i * known.length) / width)
    const to = Math.max(from + 1, Math.floor(((i + 1) * known.length) / width))
    const level = Math.max(0, Math.max(...known.slice(from, to)) / most)
    return BARS[Math.min(BARS.length - 1, Math.floor(level * BARS.length))]
  }).join('')
}

/** Rows of the series: name, unit, thirds, greatest, slope, what was allowed, verdict. */
export function rowsOf(result: SoakResult): readonly (readonly string[])[] {
  return verdictsOf(result).map(({ spec, verdict }) => [
    spec.name,
    spec.unit,
    formatNumber(verdict.start),
    formatNumber(verdict.middle),
    formatNumber(verdict.end),
    formatNumber(verdict.most),
    `${verdict.perHour > 0 ? '+' : ''}${formatNumber(verdict.perHour)}`,
    verdict.band,
    verdict.verdict,
  ])
}

export const HEAD = ['series', 'unit', 'start', 'middle', 'end', 'most', 'per hour', 'allowed', '']

/** Aligned columns for a terminal or a pipe. */
export function tableText(result: SoakResult): string {
  const rows = [HEAD, ...rowsOf(result)]
  const widths = HEAD.map((_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length)))
  const isNumber = (i: number): boolean => i >= 2 && i <= 6
  return rows
    .map((row) =>
      row
        .map((cell, i) =>
          isNumber(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** One line on the whole, and a line for each thing that is wrong. */
export function verdictText(result: SoakResult): string {
  const complaints = complaintsOf(result)
  if (complaints.length === 0)
    return 'All lines are flat, nothing went wrong, nothing was left over.'
  return ['NOT PASSED:', ...complaints.map((each) => `  ${each}`)].join('\n')
}
