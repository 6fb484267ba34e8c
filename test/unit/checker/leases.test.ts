import { describe, expect, test } from 'vitest'
import { STRICT, type Terms } from '../../checker/check/finding.ts'
import { checkLeases } from '../../checker/check/leases.ts'
import type { Operation } from '../../checker/history/operation.ts'
import { call, final, GROUP, handOut, poll, publish, rest, settle, TOPIC } from './entries.ts'

const checksOf = (history: readonly Operation[], terms: Terms = STRICT): string[] =>
  checkLeases(history, { group: GROUP, topic: TOPIC }, terms).map(({ check }) => check)

const first = handOut('a', 1)
const second = handOut('a', 2)
const there = [publish(['a'], 0), final(['a']), rest(0)]

const letters = (ids: readonly string[]) =>
  final([], {
    topic: `${TOPIC}.dlq`,
    found: ids.map((id, offset) => ({
      ...{ offset, id, timestamp: 0, priority: 'normal', group: GROUP },
    })),
  })

describe('checker of a work queue', () => {
  test('finds nothing where a lease ran out, came again and was acknowledged', () => {
    const history = [
      ...there,
      poll([first], [100, 110]),
      poll([second], [1000, 1120]),
      settle('ack', second, [1200, 1210]),
    ]
    expect(checksOf(history)).toEqual([])
  })

  test('finds two holders of one lease', () => {
    const history = [
      ...there,
      poll([first], [100, 110]),
      poll([second], [500, 600]),
      settle('ack', second, [700, 710]),
    ]
    expect(checksOf(history)).toEqual(['two holders'])
  })

  test('counts an extension, and not what somebody has begun to settle or whose member left', () => {
    const both = [poll([first], [100, 110]), poll([second], [1200, 1300])]
    const acked = settle('ack', second, [1400, 1410])
    const extended = settle('extend', first, [900, 910], { ms: 1000 })
    expect(checksOf([...there, ...both, acked])).toEqual([])
    expect(checksOf([...there, ...both, acked, extended])).toEqual(['two holders'])
    const nacked = settle('nack', first, [1000, 1010], { ms: 100 })
    expect(checksOf([...there, ...both, acked, extended, nacked])).toEqual([])
    const left = { op: 'leave', group: GROUP, member: 'm', ...call(950, 951) } as const
    expect(checksOf([...there, ...both, acked, extended, left])).toEqual([])
  })

  test('finds a hand-out of what was acknowledged, whenever it was', () => {
    const history = [
      ...there,
      poll([first], [100, 110]),
      settle('ack', first, [1300, 1310]),
      poll([second], [1200, 1290]),
    ]
    expect(checksOf(history)).toEqual(['settled and handed out'])
  })

  test('forgives a power loss an ack that was undone', () => {
    const history = [
      ...there,
      poll([first], [100, 110]),
      settle('ack', first, [200, 210]),
      poll([second], [1200, 1290]),
    ]
    const terms: Terms = { ...STRICT, losable: new Set(['state']) }
    expect(checksOf(history, terms)).toEqual([])
  })

  test('finds a lease that was handed out twice under one count', () => {
    const again = handOut('a', 1, { receipt: 'another' })
    const history = [...there, poll([first], [100, 110]), poll([again], [2000, 2100])]
    expect(checksOf(history)).toContain('lease repeated')
  })

  test('finds what came back before the delay of its nack was over', () => {
    const history = [
      ...there,
      poll([first], [100, 110]),
      settle('nack', first, [200, 210], { ms: 500 }),
      poll([second], [300, 600]),
      settle('ack', second, [700, 710]),
    ]
    expect(checksOf(history)).toEqual(['back too early'])
  })

  test('finds another lane, and a message that nobody sent', () => {
    const wrong = handOut('a', 1, { priority: 'low' })
    const history = [...there, poll([wrong], [100, 110]), settle('ack', wrong, [200, 201])]
    expect(checksOf(history)).toEqual(['wrong lane'])
    expect(checksOf([poll([handOut('b', 1)], [100, 110])])).toEqual(['invented'])
  })

  test('finds what nobody was handed, what counts as settled by nobody, and what is left', () => {
    expect(checksOf(there)).toEqual(['passed over'])
    const nacked = [poll([first], [100, 110]), settle('nack', first, [200, 210])]
    expect(checksOf([...there, ...nacked])).toEqual(['passed over'])
    expect(checksOf([publish(['a'], 0), final(['a']), rest(1), ...nacked])).toEqual(['left over'])
  })

  test('finds dead letters that are missing, twice, or of what was acknowledged', () => {
    const rejected = [poll([first], [100, 110]), settle('reject', first, [200, 210])]
    expect(checksOf([...there, ...rejected, letters(['a'])])).toEqual([])
    expect(checksOf([...there, ...rejected, letters([])])).toEqual(['dead letter missing'])
    expect(checksOf([...there, ...rejected, letters(['a', 'a'])])).toEqual(['dead letter twice'])
    const acked = [poll([first], [100, 110]), settle('ack', first, [200, 210])]
    expect(checksOf([...there, ...acked, letters(['a'])])).toEqual(['settled twice'])
  })
})
