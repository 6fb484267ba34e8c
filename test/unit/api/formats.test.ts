import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatTime, parseTimeMs } from '../../../src/api/index.ts'
import { baseSeed } from '../../support/random.ts'

describe('times', () => {
  test('are written as Date writes them, in any order of asking', () => {
    const range = { min: 0, max: Date.UTC(9999, 11, 31), noInvalidDate: true }
    const times = fc.array(fc.integer({ min: range.min, max: range.max }), { minLength: 1 })
    fc.assert(
      fc.property(times, fc.integer({ min: -2000, max: 2000 }), (all, step) => {
        for (const time of all) {
          for (const each of [time, time, Math.max(0, time + step)]) {
            expect(formatTime(each)).toBe(new Date(each).toISOString())
            expect(parseTimeMs(formatTime(each))).toBe(each)
          }
        }
      }),
      { seed: baseSeed(), numRuns: 200 },
    )
  })

  test.each([
    ['2026-01-01T00:00:00Z', Date.UTC(2026, 0, 1)],
    ['2026-01-01t00:00:00z', Date.UTC(2026, 0, 1)],
    ['2026-01-01 00:00:00+00:00', Date.UTC(2026, 0, 1)],
    ['2026-01-01T01:30:00+01:30', Date.UTC(2026, 0, 1)],
    ['2026-01-01T01:30:00 01:30', Date.UTC(2026, 0, 1)],
    ['2025-12-31T22:00:00-02:00', Date.UTC(2026, 0, 1)],
    ['2026-01-01T00:00:00.123456789Z', Date.UTC(2026, 0, 1) + 123],
    ['2026-01-01T00:00:00.5Z', Date.UTC(2026, 0, 1) + 500],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
    ['2016-12-31T23:59:60Z', Date.UTC(2017, 0, 1)],
    ['0001-01-01T00:00:00Z', -62_135_596_800_000],
  ])('%s is understood', (text, timeMs) => {
    expect(parseTimeMs(text)).toBe(timeMs)
  })

  test.each([
    '',
    'now',
    '1700000000000',
    '2026-01-01',
    '2026-01-01T00:00:00',
    '2026-1-1T00:00:00Z',
    '2025-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-01-32T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '2026-01-01T00:00:61Z',
    '2026-01-01T00:00:00.Z',
    '2026-01-01T00:00:00+24:00',
    '2026-01-01T00:00:00+0100',
    ' 2026-01-01T00:00:00Z',
    '2026-01-01T00:00:00Z\n',
    '+2026-01-01T00:00:00Z',
  ])('"%s" is not a time', (text) => {
    expect(parseTimeMs(text)).toBeUndefined()
  })
})
