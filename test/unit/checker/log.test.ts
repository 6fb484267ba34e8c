import { describe, expect, test } from 'vitest'
import { count, STRICT, type Terms } from '../../checker/check/finding.ts'
import { checkLog } from '../../checker/check/log.ts'
import type { Operation } from '../../checker/history/operation.ts'
import { final, found, publish, read, TOPIC } from './entries.ts'

const checksOf = (history: readonly Operation[], terms: Terms = STRICT): string[] =>
  checkLog(history, TOPIC, terms).map(({ check }) => check)

const POWER: Terms = {
  losable: new Set(['none', 'leader', 'state']),
  losses: [{ start: 6000, end: 6001 }],
  clockSteps: false,
}

describe('checker of a log', () => {
  test('finds nothing where everything is where it was said to be', () => {
    const history = [
      publish(['a', 'b'], 0),
      publish(['c'], 2),
      read(1, ['b', 'c']),
      read(3, []),
      final(['a', 'b', 'c']),
    ]
    expect(checksOf(history)).toEqual([])
  })

  test('finds what was acknowledged and is not there, or elsewhere', () => {
    const history = [publish(['a'], 0), publish(['b'], 1), final(['b'])]
    expect(checksOf(history)).toEqual(['lost', 'lost'])
  })

  test('forgives a fault what it may take, and no more', () => {
    const history = [publish(['a'], 0, { acks: 'leader' }), publish(['b'], 1), final([])]
    expect(checkLog(history, TOPIC, POWER)).toEqual([
      { check: 'lost', message: 'b of t, acks all, said to be at 0/1: nowhere' },
    ])
  })

  test('tells of a few findings of a kind, and how many there are', () => {
    const history = [publish(['a', 'b', 'c', 'd', 'e', 'f', 'g'], 0), final([])]
    const findings = checkLog(history, TOPIC, STRICT)
    expect(findings.at(-1)).toEqual({ check: 'lost', message: 'and 2 more' })
    expect(count(findings)).toBe(7)
  })

  test('finds a message that stands twice', () => {
    expect(checksOf([publish(['a'], 0), final(['a', 'a'])])).toContain('duplicate')
  })

  test('finds what was refused and written all the same', () => {
    const refused = publish(['a'], 0, { outcome: 'refused', places: undefined })
    expect(checksOf([refused, final(['a'])])).toEqual(['refused but written'])
  })

  test('takes what was not answered either way, but whole', () => {
    const unknown = publish(['a', 'b'], 0, { outcome: 'unknown', places: undefined })
    expect(checksOf([unknown, final([])])).toEqual([])
    expect(checksOf([unknown, final(['a', 'b'])])).toEqual([])
    expect(checksOf([unknown, final(['a'])])).toEqual(['torn batch'])
    expect(checksOf([unknown, publish(['c'], 1), final(['a', 'c', 'b'])])).toContain('torn batch')
  })

  test('finds gaps, times that go back, and what nobody sent', () => {
    const gap = final([], { found: [...found(['a']), ...found(['b'], 2)] })
    expect(checksOf([publish(['a'], 0), publish(['b'], 2), gap])).toContain('gap')
    const back = found(['a', 'b']).map((each, i) => ({ ...each, timestamp: 5 - i }))
    const there = final([], { found: back })
    expect(checksOf([publish(['a', 'b'], 0), there])).toEqual(['time went back'])
    expect(checksOf([final(['damaged:a'])])).toEqual(['invented'])
  })

  test('finds a record that stands before one that ended before it began', () => {
    const history = [
      publish(['first'], 1, { start: 0, end: 5 }),
      publish(['second'], 0, { start: 10, end: 15 }),
      final(['second', 'first']),
    ]
    expect(checksOf(history)).toEqual(['reordered'])
  })

  test('lets calls that overlap stand in any order, except those of one stream', () => {
    const one = { start: 0, end: 20, stream: 's' }
    const history = [
      publish(['first'], 1, { ...one, stream: undefined }),
      publish(['second'], 0, { ...one, start: 1 }),
      final(['second', 'first']),
    ]
    expect(checksOf(history)).toEqual([])
    const ordered = history.map((each) => (each.op === 'publish' ? { ...each, stream: 's' } : each))
    expect(checksOf(ordered)).toEqual(['reordered'])
  })

  test('finds reads that skip, that miss what was there, and that see something else', () => {
    const there = [publish(['a', 'b', 'c'], 0), final(['a', 'b', 'c'])]
    expect(checksOf([...there, read(0, ['a'], { next: 2 })])).toEqual(['read skips'])
    expect(checksOf([...there, read(0, [], { found: found(['b'], 1), next: 1 })])).toEqual([
      'read skips',
    ])
    expect(checksOf([...there, read(1, [])])).toEqual(['read misses'])
    expect(checksOf([...there, read(1, ['x'])])).toEqual(['content changed'])
  })

  test('lets a power loss change what was seen of it, but not below what was on the disk', () => {
    const seen = read(0, ['a', 'b'])
    const after = [publish(['c'], 1, { start: 7000, end: 7001 }), final(['a', 'c'])]
    const before = publish(['a'], 0, { start: 10, end: 11 })
    const lost = publish(['b'], 1, { acks: 'leader' })
    expect(checksOf([before, lost, seen, ...after], POWER)).toEqual([])
    const onDisk = publish(['b'], 1, { start: 20, end: 21 })
    expect(checksOf([before, onDisk, seen, ...after], POWER)).toContain('content changed')
  })

  test('finds a high watermark that goes back', () => {
    const late = { start: 6000, end: 6001, highWatermark: 3 }
    const history = [publish(['a'], 0), final(['a']), read(0, ['a']), read(0, ['a'], late)]
    expect(checksOf(history)).toEqual(['watermark went back'])
  })

  test('finds a partition that cannot be read any more', () => {
    const refused = read(0, [], { outcome: 'refused', code: 'LOG_CORRUPT' })
    expect(checksOf([refused, final([])])).toEqual(['unreadable'])
  })
})
