import { describe, expect, test } from 'vitest'
import {
  batchOf,
  copyDelivered,
  decodeRecord,
  deliveredLength,
  type Extension,
  originAt,
  originDueMs,
  originOffset,
  originPartition,
  recordProblem,
} from '../../../src/record/index.ts'

const ORIGIN = { partition: 3, offset: 0, dueMs: 0x1_0000_0007 }
const PRODUCER = { producerId: 2 ** 40, epoch: 2, sequence: 9 }
const HEADERS = { a: 'b', c: 'ü' }
const DELIVERED = { partition: 3, offset: 2 ** 33, dueMs: 12 }

const recordOf = (extension: Extension): Buffer =>
  batchOf({ key: 'k', value: 'v', priority: 1, extension }).bytes

describe('the origin of a record', () => {
  test('is found behind other sections, and missed where there is none', () => {
    for (const others of [{}, { producer: PRODUCER }, { headers: HEADERS, producer: PRODUCER }]) {
      const bytes = recordOf({ ...others, origin: ORIGIN })
      const place = originAt(bytes, 0)
      expect([
        originPartition(bytes, place),
        originOffset(bytes, place),
        originDueMs(bytes, place),
      ]).toEqual([3, 0, 0x1_0000_0007])
    }
    expect(originAt(recordOf({ headers: HEADERS }), 0)).toBe(-1)
    expect(originAt(batchOf({ value: 'v' }).bytes, 0)).toBe(-1)
  })

  test.each([
    ['alone', {}],
    ['with headers', { headers: HEADERS }],
    ['with a producer', { producer: PRODUCER }],
    ['with both', { headers: HEADERS, producer: PRODUCER }],
  ])('%s is filled in as it is delivered, and its producer left out', (_, others) => {
    const from = recordOf({ ...others, origin: ORIGIN })
    const to = Buffer.alloc(200, 0xee)
    const length = copyDelivered(from, 0, to, { toAt: 7, origin: DELIVERED })
    expect(length).toBe(deliveredLength(from, 0))
    expect(recordProblem(to, 7, 7 + length, true)).toBeUndefined()
    const { key, value, priority, extension } = decodeRecord(to, 7)
    expect([String(key), String(value), priority]).toEqual(['k', 'v', 1])
    const { producer: _producer, ...kept }: Extension = others
    expect(extension).toEqual({ ...kept, origin: DELIVERED })
    expect(to.subarray(7 + length).every((byte) => byte === 0xee)).toBe(true)
  })
})
