/** Figures as people read them. */

/** Three or four significant digits with separators; a dash for what is not a number. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return '–'
  const size = Math.abs(value)
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3
  const rounded = size >= 10_000 ? Math.round(value / 100) * 100 : value
  return rounded.toLocaleString('en-US', { maximumFractionDigits: digits })
}
