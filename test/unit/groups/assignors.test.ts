import { describe, expect, test } from 'vitest'
import { ASSIGNORS, partitionNames } from '../../../src/groups/assignors.ts'

const assign = (
  name: 'range' | 'shared',
  members: Record<string, string[]>,
  counts: Record<string, number>,
) =>
  Object.fromEntries(
    [
      ...ASSIGNORS[name](
        Object.entries(members).map(([memberId, topics]) => ({ memberId, topics })),
        (topic) => counts[topic] ?? 0,
      ),
    ].map(([memberId, partitions]) => [memberId, partitionNames(partitions).join(' ')]),
  )

describe('range assignment', () => {
  test('cuts a topic into consecutive runs, the first members get the larger ones', () => {
    expect(assign('range', { c: ['t'], a: ['t'], b: ['t'] }, { t: 7 })).toEqual({
      a: 't-0 t-1 t-2',
      b: 't-3 t-4',
      c: 't-5 t-6',
    })
  })

  test('leaves members idle where there are fewer partitions than members', () => {
    expect(assign('range', { a: ['t'], b: ['t'], c: ['t'] }, { t: 2 })).toEqual({
      a: 't-0',
      b: 't-1',
      c: '',
    })
  })

  test('looks at each topic on its own and only at those who subscribe to it', () => {
    const members = { a: ['x', 'y'], b: ['y'], c: ['x', 'y'] }
    expect(assign('range', members, { x: 2, y: 3 })).toEqual({
      a: 'x-0 y-0',
      b: 'y-1',
      c: 'x-1 y-2',
    })
  })

  test('has nothing to give of a topic that does not exist', () => {
    expect(assign('range', { a: ['gone'] }, {})).toEqual({ a: '' })
  })

  test('tells members apart by code units, whatever the locale', () => {
    expect(assign('range', { ä: ['t'], Z: ['t'], a: ['t'] }, { t: 3 })).toEqual({
      Z: 't-0',
      a: 't-1',
      ä: 't-2',
    })
  })
})

describe('shared assignment', () => {
  test('gives every member all partitions of its topics', () => {
    expect(assign('shared', { a: ['t'], b: ['t', 'u'] }, { t: 2, u: 1 })).toEqual({
      a: 't-0 t-1',
      b: 't-0 t-1 u-0',
    })
  })
})
