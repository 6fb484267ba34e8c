import picocolors from 'picocolors'
import { describe, expect, test } from 'vitest'
import { messageFormat } from '../../../src/cli/messageFormat.ts'
import type { DecodedRecord } from '../../../src/client/index.ts'

const RECORD: DecodedRecord = {
  offset: 42,
  timestampMs: Date.parse('2026-01-31T12:00:00.000Z'),
  priority: 1,
  key: Buffer.from('k'),
  value: Buffer.from('v'),
  extension: undefined,
  control: false,
}

const shown = (format: string, record: Partial<DecodedRecord> = {}): string =>
  messageFormat(format, { colours: picocolors.createColors(false) })(
    { ...RECORD, ...record },
    { topic: 'orders', partition: 3 },
  ).toString()

describe('message format', () => {
  test('json has the fields of the HTTP contract, one message a line', () => {
    expect(shown('json')).toBe(
      '{"partition":3,"offset":42,"timestamp":"2026-01-31T12:00:00.000Z","key":"k","value":"v","priority":"high"}\n',
    )
  })

  test('json has headers where there are some, no key where there is none, null for a tombstone', () => {
    const extension = { headers: { trace: 'x' } }
    expect(JSON.parse(shown('json', { key: undefined, value: null, extension }))).toEqual({
      partition: 3,
      offset: 42,
      timestamp: '2026-01-31T12:00:00.000Z',
      value: null,
      priority: 'high',
      headers: { trace: 'x' },
    })
  })

  test('json has bytes that are no text as base64, and says so', () => {
    const value = Buffer.from([0xff, 0xfe])
    expect(JSON.parse(shown('json', { value }))).toMatchObject({
      key: Buffer.from('k').toString('base64'),
      value: value.toString('base64'),
      encoding: 'base64',
    })
  })

  test('value is the value alone, its bytes untouched', () => {
    expect(shown('value')).toBe('v\n')
    const bytes = Buffer.from([0xff, 0x00])
    const format = messageFormat('value', { colours: picocolors.createColors(false) })
    const line = format({ ...RECORD, value: bytes }, { topic: 't', partition: 0 })
    expect([...Buffer.from(line)]).toEqual([0xff, 0x00, 0x0a])
  })

  test('text has time, place, key and value', () => {
    expect(shown('text')).toBe('2026-01-31T12:00:00.000Z  3/42  k  v\n')
    expect(shown('text', { key: undefined, value: null })).toBe(
      '2026-01-31T12:00:00.000Z  3/42  (null)\n',
    )
  })

  test('names the topic where there may be several', () => {
    const options = { colours: picocolors.createColors(false), showsTopic: true }
    const of = (format: string) =>
      messageFormat(format, options)(RECORD, { topic: 'orders', partition: 3 }).toString()
    expect(of('text')).toBe('2026-01-31T12:00:00.000Z  orders/3/42  k  v\n')
    expect(JSON.parse(of('json'))).toMatchObject({ topic: 'orders', partition: 3, offset: 42 })
  })

  test('a template is filled in', () => {
    expect(shown('{topic}/{partition}@{offset} {key}={value} {priority}')).toBe(
      'orders/3@42 k=v high\n',
    )
    expect(shown('{key}\\t{value}')).toBe('k\tv\n')
  })

  test.each([
    ['yaml', /--output must be text, json, value or a template/],
    ['{keys}', /\{keys\} is no field: topic, partition/],
    ['{toString}', /is no field/],
  ])('%s is none', (format, problem) => {
    expect(() => shown(format)).toThrow(problem)
  })
})
