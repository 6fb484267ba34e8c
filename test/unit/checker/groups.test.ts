import { describe, expect, test } from 'vitest'
import { STRICT, type Terms } from '../../checker/check/finding.ts'
import { checkGroup } from '../../checker/check/groups.ts'
import { stepsBack } from '../../checker/check/register.ts'
import type { Named, Operation } from '../../checker/history/operation.ts'
import { call, GROUP, handOut, poll, TOPIC } from './entries.ts'

const checksOf = (history: readonly Operation[], terms: Terms = STRICT): string[] =>
  checkGroup(history, { group: GROUP, topic: TOPIC }, terms).map(({ check }) => check)

const own = { group: GROUP, topic: TOPIC, member: 'm' }

const join = (generation: number, start: number, given: Partial<Named<'join'>> = {}) =>
  ({
    op: 'join',
    ...own,
    generation,
    assigned: ['t-0'],
    ...call(start, start + 1),
    ...given,
  }) as const

const commit = (offset: number, generation: number, start: number) =>
  ({ op: 'commit', ...own, generation, offsets: { 0: offset }, ...call(start, start + 1) }) as const

const floors = (offset: number, start: number) =>
  ({ op: 'floors', ...own, offsets: { 0: offset }, ...call(start, start + 1) }) as const

const handed = (from: number, to: number, start: number) =>
  poll(
    Array.from({ length: to - from }, (_, i) => handOut('x', 0, { offset: from + i })),
    [start, start + 1],
  )

describe('checker of a group', () => {
  test('finds nothing where members read on, commit and take over', () => {
    const history = [
      join(1, 0),
      handed(0, 5, 10),
      commit(5, 1, 20),
      join(2, 30, { member: 'n' }),
      handed(5, 7, 40),
      commit(7, 2, 50),
      floors(7, 60),
    ]
    expect(checksOf(history)).toEqual([])
  })

  test('finds a committed offset that goes back', () => {
    const history = [handed(0, 5, 0), commit(5, 1, 10), floors(3, 20), floors(5, 30)]
    expect(checksOf(history)).toEqual(['floor went back'])
    expect(checksOf(history, { ...STRICT, losable: new Set(['state']) })).toEqual([])
  })

  test('takes a commit behind the committed offset for what it is: no step back', () => {
    const history = [handed(0, 5, 0), commit(5, 1, 10), commit(3, 1, 20), floors(5, 30)]
    expect(checksOf(history)).toEqual([])
  })

  test('finds a commit of a generation that was over', () => {
    const history = [join(2, 0), handed(0, 5, 5), commit(5, 1, 10), floors(5, 30)]
    expect(checksOf(history)).toEqual(['stale commit taken'])
  })

  test('finds two owners of one partition', () => {
    expect(checksOf([join(1, 0), join(1, 10, { member: 'n' })])).toEqual(['two owners'])
    expect(checksOf([join(1, 0), join(2, 10, { member: 'n' })])).toEqual([])
  })

  test('knows that generations begin anew where a power loss took the group', () => {
    const history = [join(1, 0), join(1, 10, { member: 'n' })]
    expect(checksOf(history, { ...STRICT, losable: new Set(['state']) })).toEqual([])
  })

  test('finds polls that leave something out, and floors above what nobody was handed', () => {
    const skipping = [join(1, 0), handed(0, 3, 10), handed(4, 6, 20)]
    expect(checksOf(skipping)).toEqual(['read skips'])
    expect(checksOf([...skipping, floors(6, 30)])).toEqual(['read skips', 'passed over'])
    expect(checksOf([join(1, 0), handed(0, 3, 10), join(1, 15), handed(1, 4, 20)])).toEqual([])
  })
})

describe('register that never goes back', () => {
  test('compares only those of which one began after the other had ended', () => {
    const overlapping = [
      { start: 0, end: 10, value: 5 },
      { start: 5, end: 15, value: 3 },
    ]
    expect(stepsBack(overlapping)).toEqual([])
    const after = { start: 11, end: 12, value: 3 }
    expect(stepsBack([...overlapping, after])).toEqual([{ sight: after, known: 5 }])
  })
})
