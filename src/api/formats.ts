/**
 * How the contract writes times, durations and the like. Times are RFC 3339; durations are `"250ms"`, `"1h30m"`
 * or a plain number of milliseconds (kernel/duration.ts); priorities are words (kernel/priority.ts).
 */
import { Type } from 'typebox'
import { PRIORITIES } from '../kernel/priority.ts'
import { MINUTE_MS, SECOND_MS } from '../kernel/units.ts'

/** The content type of every JSON reply. */
export const JSON_TYPE = 'application/json; charset=utf-8'

export const Time = Type.String({
  format: 'date-time',
  description: 'RFC 3339',
  examples: ['2024-05-01T12:00:00.000Z'],
})

export const Duration = Type.Union([Type.String(), Type.Number({ minimum: 0 })], {
  description: 'such as "250ms", "30s", "5m", "1h30m", "2d"; a plain number is milliseconds',
  examples: ['30s'],
})

/** In replies always a word. */
export const PriorityWord = Type.Enum([...PRIORITIES])

export const PriorityInput = Type.Union(
  [PriorityWord, Type.Integer({ minimum: 0, maximum: PRIORITIES.length - 1 })],
  { description: 'a word, or 0 (critical) to 4 (background)', default: 'normal' },
)

export const PartitionId = Type.Integer({ minimum: 0 })
export const OffsetNumber = Type.Integer({ minimum: 0 })

// A space where the `+` of a query was not encoded is understood.
const RFC3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+ -])(\d\d):(\d\d))$/

/** Milliseconds since 1970 of an RFC 3339 time, parts of one cut off; undefined where it is not one. */
export function parseTimeMs(text: string): number | undefined {
  const parts = RFC3339.exec(text)
  if (parts === null) return undefined
  const number = (at: number): number => Number(parts[at] ?? 0)
  const [year, month, day, hour, minute] = [number(1), number(2), number(3), number(4), number(5)]
  const second = number(6)
  // Second 60 is a leap second: the first of the next minute, as the clocks of computers count.
  if (hour > 23 || minute > 59 || second > 60) return undefined
  const date = new Date(Date.UTC(2000, 0, 1))
  date.setUTCFullYear(year, month - 1, day)
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined
  const milliseconds = Number((parts[7] ?? '').padEnd(3, '0').slice(0, 3))
  const local = date.setUTCHours(hour, minute, second, milliseconds)
  return shifted(local, parts[8], number(9), number(10))
}

function shifted(
  localMs: number,
  sign: string | undefined,
  hours: number,
  minutes: number,
): number | undefined {
  if (hours > 23 || minutes > 59) return undefined
  const shiftMs = (hours * 60 + minutes) * MINUTE_MS
  const timeMs = sign === '-' ? localMs + shiftMs : localMs - shiftMs
  return Math.abs(timeMs) <= MAX_DATE_MS ? timeMs : undefined
}

const MAX_DATE_MS = 8.64e15
let cachedSecondMs = Number.NaN
let cachedSecond = ''
let cachedMs = Number.NaN
let cachedText = ''

/** `2024-05-01T12:00:00.000Z`. The last millisecond and the last second are remembered: replies repeat them. */
export function formatTime(timeMs: number): string {
  if (timeMs === cachedMs) return cachedText
  const within = timeMs - cachedSecondMs
  if (!(within >= 0 && within < SECOND_MS)) {
    cachedSecondMs = Math.floor(timeMs / SECOND_MS) * SECOND_MS
    cachedSecond = new Date(cachedSecondMs).toISOString().slice(0, -4)
  }
  cachedMs = timeMs
  cachedText = `${cachedSecond}${String(timeMs - cachedSecondMs).padStart(3, '0')}Z`
  return cachedText
}
