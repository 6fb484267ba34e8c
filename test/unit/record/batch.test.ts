import { describe, expect, test } from 'vitest'
import { LIMITS } from '../../../src/kernel/limits.ts'
import {
  BatchBuilder,
  batchOf,
  checksumMatches,
  decodeRecord,
  decodeRecords,
  FLAG,
  recordProblem,
  stampRecord,
} from '../../../src/record/index.ts'

describe('batch builder', () => {
  test('encodes the record of the format document byte by byte', () => {
    const { bytes } = batchOf({ key: 'k', value: 'hello', priority: 2 })
    stampRecord(bytes, 0, bytes.length, { offset: 5, timestampMs: 0x0123_4567_89ab, more: true })
    expect(bytes.toString('hex')).toBe(
      '475101080b49dd730000000000000005' + '00000123456789ab0208000100000005' + '6b68656c6c6f',
    )
  })

  test('after a record that is too large the batch is as before', () => {
    const builder = new BatchBuilder(16)
    builder.add({ value: 'first' })
    const tooLarge = { code: 'RECORD_TOO_LARGE' }
    expect(() => builder.add({ key: Buffer.alloc(65_536), value: 'x' })).toThrow(
      expect.objectContaining(tooLarge),
    )
    expect(() => builder.add({ value: Buffer.alloc(LIMITS.recordBytesMax) })).toThrow(
      expect.objectContaining(tooLarge),
    )
    const headers = { name: 'x'.repeat(64 * 1024) }
    expect(() => builder.add({ value: 'x', extension: { headers } })).toThrow(
      expect.objectContaining(tooLarge),
    )
    builder.add({ value: 'second' })
    const values = [...decodeRecords(builder.take().bytes)].map((each) => each.value?.toString())
    expect(values).toEqual(['first', 'second'])
  })

  test('a key and a record of exactly the largest size are taken', () => {
    const value = Buffer.alloc(LIMITS.recordBytesMax - 32 - LIMITS.keyBytesMax)
    const batch = batchOf({ key: Buffer.alloc(LIMITS.keyBytesMax), value })
    expect(batch.bytes.length).toBe(LIMITS.recordBytesMax)
  })

  test('more than 64 headers are refused', () => {
    const headers = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`h${index}`, '']))
    expect(() => batchOf({ value: 'x', extension: { headers } })).toThrow('more than 64 headers')
  })

  test('is empty after take, and what it gave away does not change any more', () => {
    const builder = new BatchBuilder()
    builder.add({ value: 'one' })
    const first = builder.take()
    const before = first.bytes.toString('hex')
    expect(builder.count).toBe(0)
    expect(builder.length).toBe(0)
    builder.add({ value: 'two' })
    builder.take()
    expect(first.bytes.toString('hex')).toBe(before)
  })

  test('a batch without records cannot be taken', () => {
    expect(() => new BatchBuilder().take()).toThrow('at least one record')
  })

  test('an empty value, a null one and an empty key stay what they are', () => {
    const { bytes } = batchOf({ key: '', value: '' }, { key: 'k', value: null })
    const [empty, tombstone] = [...decodeRecords(bytes)]
    expect(empty).toMatchObject({ key: undefined, value: Buffer.alloc(0) })
    expect(tombstone).toMatchObject({ key: Buffer.from('k'), value: null })
  })
})

describe('stored record', () => {
  test('a flipped flag once passed the checksum and turned one record into another', () => {
    for (const input of [{ value: '' }, { value: '\0\0\0\0rest' }, { key: 'k', value: null }]) {
      const { bytes } = batchOf(input)
      stampRecord(bytes, 0, bytes.length, { offset: 1, timestampMs: 1, more: false })
      for (const flag of Object.values(FLAG)) {
        bytes[3] = (bytes[3] as number) ^ flag
        expect(checksumMatches(bytes, 0)).toBe(true)
        expect(recordProblem(bytes, 0, bytes.length)).toBe('the copy of the flags differs')
        bytes[3] = (bytes[3] as number) ^ flag
      }
      expect(recordProblem(bytes, 0, bytes.length)).toBeUndefined()
    }
  })

  test('its parts are views into the bytes it was read from', () => {
    const { bytes } = batchOf({ key: 'k', value: 'v' })
    const record = decodeRecord(bytes, 0)
    expect(record.key?.buffer).toBe(bytes.buffer)
    expect(record.value?.buffer).toBe(bytes.buffer)
  })
})
