import { describe, expect, test } from 'vitest'
import { checkDelays } from '../../checker/check/delays.ts'
import { STRICT, type Terms } from '../../checker/check/finding.ts'
import type { Named, Operation, Outcome } from '../../checker/history/operation.ts'
import { call, final, read, TOPIC } from './entries.ts'

const checksOf = (history: readonly Operation[], terms: Terms = STRICT): string[] =>
  checkDelays(history, TOPIC, terms).map(({ check }) => check)

/** Delivered records carry 1000 as their time, and the end is read at 10,000. */
const schedule = (id: string, due: number, outcome: Outcome = 'ok') =>
  ({ op: 'schedule', topic: TOPIC, id, due, ...call(0, 1), outcome }) as const

const change = (
  op: 'cancel' | 'reschedule',
  id: string,
  given: Partial<Named<'cancel' | 'reschedule'>> = {},
): Operation => ({ op, topic: TOPIC, id, ...call(2, 3), ...given })

describe('checker of delayed messages', () => {
  test('finds nothing where each comes once, in its time', () => {
    const history = [
      schedule('a', 900),
      schedule('b', 500),
      change('cancel', 'b'),
      schedule('c', 20_000),
      final(['a']),
    ]
    expect(checksOf(history)).toEqual([])
  })

  test('finds what never came, and what came twice', () => {
    expect(checksOf([schedule('a', 900), final([])])).toEqual(['lost'])
    expect(checksOf([schedule('a', 900), final(['a', 'a'])])).toEqual(['duplicate'])
  })

  test('finds what came though its cancel was confirmed; one that was not answered may be so or so', () => {
    const cancelled = [schedule('a', 900), change('cancel', 'a')]
    expect(checksOf([...cancelled, final(['a'])])).toEqual(['cancelled came'])
    const unsure = [schedule('a', 900), change('cancel', 'a', { outcome: 'unknown' })]
    expect(checksOf([...unsure, final(['a'])])).toEqual([])
    expect(checksOf([...unsure, final([])])).toEqual([])
  })

  test('finds a record that was stamped before its time, by the last change that counts', () => {
    expect(checksOf([schedule('a', 1001), final(['a'])])).toEqual(['early'])
    const putOff = [schedule('a', 900), change('reschedule', 'a', { due: 2000 })]
    expect(checksOf([...putOff, final(['a'])])).toEqual(['early'])
    const refused = change('reschedule', 'a', { due: 2000, outcome: 'refused' })
    expect(checksOf([schedule('a', 900), refused, final(['a'])])).toEqual([])
  })

  test('finds a record that was read before its time, unless the clocks differ', () => {
    const history = [schedule('a', 900), read(0, ['a'], { endWall: 800 }), final(['a'])]
    expect(checksOf(history)).toEqual(['early'])
    expect(checksOf(history, { ...STRICT, clockSteps: true })).toEqual([])
  })

  test('finds what was refused and came all the same, and what nobody sent', () => {
    expect(checksOf([schedule('a', 900, 'refused'), final(['a'])])).toEqual(['refused but written'])
    expect(checksOf([final(['x'])])).toEqual(['invented'])
  })
})
