import { describe, expect, test } from 'vitest'
import { BrokerError } from '../../../src/kernel/errors.ts'
import { partitionOf, topicOf } from '../../../src/listeners/http/query.ts'
import { encodeCursor } from '../../../src/listeners/http/read/cursor.ts'
import { partitionReadOf, topicReadOf } from '../../../src/listeners/http/read/readQuery.ts'

function fieldsOf(action: () => unknown): readonly string[] {
  try {
    action()
  } catch (error) {
    if (error instanceof BrokerError) return Object.keys(error.fields ?? {})
    throw error
  }
  return []
}

describe('read query', () => {
  test('has the defaults of the contract', () => {
    expect(partitionReadOf({})).toEqual({
      ...{ from: { offset: 0 }, maxRecords: 100, maxBytes: 4 * 1024 * 1024, waitMs: 0 },
    })
  })

  test('takes offsets, words and times to begin at', () => {
    expect(partitionReadOf({ offset: '9007199254740991' }).from).toEqual({ offset: 2 ** 53 - 1 })
    expect(partitionReadOf({ offset: 'latest' }).from).toEqual({ at: 'latest' })
    expect(partitionReadOf({ from_time: '1970-01-01T01:00:00 01:00' }).from).toEqual({ timeMs: 0 })
  })

  test.each([
    '-1',
    '+1',
    '1.5',
    '1e3',
    '',
    ' 1',
    '0x10',
    '9007199254740992',
    '1'.repeat(400),
    'NaN',
  ])('numbers are plain integers: not "%s"', (text) => {
    const query = {
      offset: text,
      limit: text,
      max_bytes: text,
      timeout: text === '1.5' ? '-' : text,
    }
    const isDuration = /^\d+$/.test(text)
    expect(fieldsOf(() => partitionReadOf(query))).toEqual(
      expect.arrayContaining(isDuration ? ['offset', 'limit'] : ['offset', 'limit', 'max_bytes']),
    )
  })

  test('names everything that is wrong at once', () => {
    const query = { offset: '1', from_time: 'x', limit: '10001', max_bytes: '0', timeout: '61s' }
    expect(fieldsOf(() => partitionReadOf(query))).toEqual([
      ...['from_time', 'limit', 'max_bytes', 'timeout'],
    ])
    expect(fieldsOf(() => partitionReadOf({ limit: ['1', '2'] }))).toEqual(['limit'])
    expect(
      fieldsOf(() => partitionReadOf({ offset: '1', from_time: '2026-01-01T00:00:00Z' })),
    ).toEqual(['from_time'])
  })

  test('a cursor says where to begin, and nothing else may', () => {
    const cursor = encodeCursor([3, 0], 'orders')
    expect(topicReadOf({ cursor }, 'orders').from).toEqual({ positions: [3, 0] })
    expect(fieldsOf(() => topicReadOf({ cursor, offset: '0' }, 'orders'))).toEqual(['offset'])
    expect(fieldsOf(() => topicReadOf({ cursor }, 'payments'))).toEqual(['cursor'])
  })
})

describe('path parameters', () => {
  test('topics have names and partitions numbers', () => {
    expect(topicOf({ topic: 'a.B_c-9' })).toBe('a.B_c-9')
    for (const topic of ['', '.', '..', 'a/b', 'a b', '\0', '__x', 'é', 'a'.repeat(250)]) {
      expect(() => topicOf({ topic }), topic).toThrow(
        expect.objectContaining({ code: 'INVALID_TOPIC_NAME' }),
      )
    }
    expect(partitionOf({ topic: 't', partition: '1023' })).toBe(1023)
    for (const partition of ['', '-1', '01', '1.0', 'x', '9'.repeat(30), '%31']) {
      expect(
        fieldsOf(() => partitionOf({ topic: 't', partition })),
        partition,
      ).toEqual(['partition'])
    }
  })
})
