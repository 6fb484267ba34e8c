import { describe, expect, test } from 'vitest'
import { parseStartAt } from '../../../src/cli/startAt.ts'

const NOW_MS = Date.parse('2026-01-31T12:00:00.000Z')

describe('start', () => {
  test.each([
    ['beginning', { at: 'beginning' }],
    ['Earliest', { at: 'beginning' }],
    ['end', { at: 'end' }],
    ['latest', { at: 'end' }],
    ['0', { offset: 0 }],
    ['42', { offset: 42 }],
    ['2026-01-31T11:00:00Z', { time: '2026-01-31T11:00:00.000Z' }],
    ['2026-01-31T11:00:00.5+02:00', { time: '2026-01-31T09:00:00.500Z' }],
    ['10m', { time: '2026-01-31T11:50:00.000Z' }],
    ['1h30m ago', { time: '2026-01-31T10:30:00.000Z' }],
  ])('%s is %j', (text, start) => {
    expect(parseStartAt(text, NOW_MS)).toEqual(start)
  })

  test.each(['', 'soon', '-1', '1.5', '2026-01-31', '2026-13-01T00:00:00Z', '100000d'])(
    '%j is none',
    (text) => {
      expect(() => parseStartAt(text, NOW_MS)).toThrow(/--from must be beginning, end, an offset/)
    },
  )
})
