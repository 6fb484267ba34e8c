import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from './units.ts'

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: SECOND_MS,
  m: MINUTE_MS,
  h: HOUR_MS,
  d: DAY_MS,
}
const WHOLE = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g

/**
 * Milliseconds of `"250ms"`, `"30s"`, `"5m"`, `"1h30m"`, `"2d"`; a plain number (or digits) is milliseconds.
 * Undefined for anything else: negative, empty, not finite or beyond a safe integer.
 */
export function parseDurationMs(value: unknown): number | undefined {
  if (typeof value === 'number') return inRange(value)
  if (typeof value !== 'string' || value.length > 64) return undefined
  if (value !== knownText) {
    knownMs = readDurationMs(value)
    knownText = value
  }
  return knownMs
}

/** The last text that was asked for: every poll of a consumer names the same time. */
let knownText = ''
let knownMs: number | undefined

function readDurationMs(value: string): number | undefined {
  if (/^\d+$/.test(value)) return inRange(Number(value))
  if (!WHOLE.test(value)) return undefined
  let totalMs = 0
  for (const [, amount, unit] of value.matchAll(PART)) {
    totalMs += Number(amount) * (UNIT_MS[unit ?? ''] ?? Number.NaN)
  }
  return inRange(Math.round(totalMs))
}

const inRange = (ms: number): number | undefined =>
  Number.isFinite(ms) && ms >= 0 && ms <= Number.MAX_SAFE_INTEGER ? ms : undefined

/** The shortest exact form: 90000 is `"1m30s"`, 0 is `"0ms"`. */
export function formatDurationMs(totalMs: number): string {
  let rest = Math.round(totalMs)
  let text = ''
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const unitMs = UNIT_MS[unit] ?? 1
    const amount = Math.floor(rest / unitMs)
    if (amount > 0) text += `${amount}${unit}`
    rest -= amount * unitMs
  }
  return text === '' ? '0ms' : text
}
