/** Where reading starts: `beginning`, `end`, an offset, an RFC 3339 time, or a duration back from now. */
import { parseDurationMs } from '../kernel/duration.ts'
import { UsageError } from './failureReport.ts'

export type StartAt =
  | { readonly at: 'beginning' | 'end' }
  | { readonly offset: number }
  /** RFC 3339 */
  | { readonly time: string }

const RFC3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d/

/** An RFC 3339 time or a duration back from now, in milliseconds since 1970; undefined where `text` is neither. */
export function parseMoment(text: string, nowMs: number): number | undefined {
  const given = text.trim().toLowerCase()
  if (RFC3339.test(given) && !Number.isNaN(Date.parse(given))) return Date.parse(given)
  const agoMs = parseDurationMs(given.replace(/\s*ago$/, ''))
  return agoMs !== undefined && agoMs <= nowMs ? nowMs - agoMs : undefined
}

/** Throws a UsageError where `text` is none of them. */
export function parseStartAt(text: string, nowMs: number): StartAt {
  const given = text.trim().toLowerCase()
  if (given === 'beginning' || given === 'earliest') return { at: 'beginning' }
  if (given === 'end' || given === 'latest') return { at: 'end' }
  if (/^\d+$/.test(given) && Number.isSafeInteger(Number(given))) return { offset: Number(given) }
  const timeMs = parseMoment(given, nowMs)
  if (timeMs !== undefined) return { time: new Date(timeMs).toISOString() }
  throw new UsageError(
    `--from must be beginning, end, an offset, a time such as 2026-01-31T12:00:00Z or a duration such as 10m, not "${text}"`,
  )
}
