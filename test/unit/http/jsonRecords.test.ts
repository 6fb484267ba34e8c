import { isUtf8 } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { priorityName } from '../../../src/kernel/priority.ts'
import { addToPage, beginPage, endPage } from '../../../src/listeners/http/read/jsonRecords.ts'
import {
  BatchBuilder,
  decodeRecords,
  type RecordInput,
  recordLength,
  stampRecord,
} from '../../../src/record/index.ts'
import { baseSeed } from '../../support/random.ts'

const START_MS = Date.UTC(2026, 0, 1)

function stored(records: readonly RecordInput[], firstOffset = 0, stepMs = 0): Buffer {
  const builder = new BatchBuilder()
  for (const record of records) builder.add(record)
  const { bytes, count } = builder.take()
  for (let at = 0, i = 0; i < count; i += 1) {
    const length = recordLength(bytes, at)
    const stamp = {
      offset: firstOffset + i,
      timestampMs: START_MS + i * stepMs,
      more: i < count - 1,
    }
    stampRecord(bytes, at, length, stamp)
    at += length
  }
  return bytes
}

function page(bytes: Buffer, partition?: number): { messages: unknown[]; next: number } {
  beginPage()
  const next = addToPage({
    bytes,
    nextOffset: -1,
    ...(partition === undefined ? {} : { partition }),
  })
  const { body: text, release } = endPage(']}')
  expect(isUtf8(text)).toBe(true)
  const { messages } = JSON.parse(text.toString()) as { messages: unknown[] }
  release()
  return { messages, next }
}

/** The stupid twin: objects. */
function expected(bytes: Buffer): unknown[] {
  return [...decodeRecords(bytes)]
    .filter(({ control }) => !control)
    .map(({ offset, timestampMs, key, value, priority, extension }) => {
      const isText = isUtf8(key ?? Buffer.alloc(0)) && isUtf8(value ?? Buffer.alloc(0))
      const encoding = isText ? 'utf8' : 'base64'
      return {
        offset,
        timestamp: new Date(timestampMs).toISOString(),
        ...(key === undefined ? {} : { key: key.toString(encoding) }),
        value: value?.toString(encoding) ?? null,
        priority: priorityName(priority),
        ...(extension?.headers === undefined ? {} : { headers: extension.headers }),
        ...(isText ? {} : { encoding }),
      }
    })
}

const data = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.uint8Array(),
  fc.string(),
  fc.constantFrom('\u0000\u001f"\\/\b\f\n\r\t\u007f', '\u2028', '🦆', Buffer.from([0xc3])),
)
const record = fc.record(
  {
    key: data,
    value: fc.oneof({ weight: 5, arbitrary: data }, fc.constant(null)),
    priority: fc.constantFrom(0, 1, 2, 3, 4),
    extension: fc.record({
      headers: fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), {
        minKeys: 1,
        maxKeys: 4,
      }),
    }),
    control: fc.boolean(),
  },
  { requiredKeys: ['value'] },
) as fc.Arbitrary<RecordInput>

describe('page of messages', () => {
  test('reads as the objects of its records do, whatever bytes they hold', () => {
    fc.assert(
      fc.property(
        fc.array(record, { minLength: 1, maxLength: 8 }),
        fc.maxSafeNat(),
        (records, first) => {
          const bytes = stored(records, Math.min(first, Number.MAX_SAFE_INTEGER - 10), 86_399_999)
          expect(page(bytes).messages).toEqual(expected(bytes))
        },
      ),
      { seed: baseSeed(), numRuns: 200 },
    )
  })

  test('names the partition where it is of a whole topic', () => {
    expect(page(stored([{ value: 'v' }]), 0).messages).toEqual([
      {
        ...{ partition: 0, offset: 0, timestamp: '2026-01-01T00:00:00.000Z' },
        ...{ value: 'v', priority: 'normal' },
      },
    ])
  })

  test('of nothing is an empty list', () => {
    expect(page(Buffer.alloc(0))).toEqual({ messages: [], next: -1 })
  })

  test('a flipped bit anywhere in a record is LOG_CORRUPT, never a message', () => {
    const bytes = stored([{ key: 'key', value: 'value' }])
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = Buffer.from(bytes)
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(() => page(flipped), `bit ${bit}`).toThrow(
        expect.objectContaining({ code: 'LOG_CORRUPT' }),
      )
    }
  })

  test('a page after one that failed starts anew', () => {
    const bytes = stored([{ value: 'a' }, { value: 'b' }])
    bytes[bytes.length - 1] = 0x63
    expect(() => page(bytes)).toThrow()
    expect(page(stored([{ value: 'c' }])).messages).toHaveLength(1)
  })

  test('ends early rather than exceed its limit, and says where to go on', () => {
    const value = Buffer.alloc(3 * 1024 * 1024, 1)
    const { messages, next } = page(stored(Array.from({ length: 4 }, () => ({ value }))))
    expect(messages).toHaveLength(2)
    expect(next).toBe(2)
  })
})
