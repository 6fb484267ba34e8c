import { describe, expect, test } from 'vitest'
import { batchOf, decodeRecord, FLAG, recordProblem } from '../../../src/record/index.ts'

/** A record whose extension block holds these sections, as [type, body] each. */
function withSections(...sections: readonly (readonly [number, Buffer])[]): Buffer {
  const parts = sections.map(([type, body]) => {
    const head = Buffer.alloc(4)
    head.writeUInt32BE(body.length)
    head[0] = type
    return Buffer.concat([head, body])
  })
  const block = Buffer.concat([Buffer.alloc(4), ...parts])
  block.writeUInt32BE(block.length - 4)
  const { bytes } = batchOf({ value: block })
  bytes[3] = FLAG.EXTENSION
  return bytes
}

/** As a client sends it, and as it lies on disk. */
const sent = (bytes: Buffer): string | undefined => recordProblem(bytes, 0, bytes.length, true)
function stored(bytes: Buffer): string | undefined {
  bytes[25] = bytes[3] as number
  return recordProblem(bytes, 0, bytes.length)
}

const u64 = (...values: readonly bigint[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 8)
  for (const [index, value] of values.entries()) bytes.writeBigUInt64BE(value, index * 8)
  return bytes
}
const PRODUCER = Buffer.concat([u64(1n), Buffer.alloc(6)])
const HEADERS = Buffer.from([0, 1, 0, 1, 0x61, 0, 0, 0, 1, 0x62])

describe('extension block', () => {
  test('a section of an unknown type is refused from a client and passed over on disk', () => {
    const bytes = withSections([1, HEADERS], [9, Buffer.from('later')])
    expect(sent(bytes)).toBe('unknown extension section 9')
    expect(stored(bytes)).toBeUndefined()
    expect(decodeRecord(bytes, 0).extension).toEqual({ headers: { a: 'b' } })
  })

  const WRONG: Readonly<Record<string, Buffer>> = {
    'sections out of order': withSections([2, PRODUCER], [1, HEADERS]),
    'a section twice': withSections([1, HEADERS], [1, HEADERS]),
    'a section of type 0': withSections([0, HEADERS]),
    'a producer section that is too short': withSections([2, Buffer.alloc(13)]),
    'an origin section that is too long': withSections([3, Buffer.alloc(21)]),
    'a producer id beyond 2^53': withSections([
      2,
      Buffer.concat([u64(2n ** 53n), Buffer.alloc(6)]),
    ]),
    'an offset of origin beyond 2^53': withSections([
      3,
      Buffer.concat([Buffer.alloc(4), u64(2n ** 63n, 1n)]),
    ]),
    'a due time beyond 2^53': withSections([
      3,
      Buffer.concat([Buffer.alloc(4), u64(1n, 2n ** 64n - 1n)]),
    ]),
    'headers without a count': withSections([1, Buffer.alloc(1)]),
    'more headers announced than there are': withSections([
      1,
      Buffer.concat([Buffer.from([0, 2]), HEADERS.subarray(2)]),
    ]),
    'bytes behind the last header': withSections([1, Buffer.concat([HEADERS, Buffer.alloc(1)])]),
    'more than 64 headers': withSections([
      1,
      Buffer.concat([Buffer.from([0, 65]), Buffer.alloc(65 * 6)]),
    ]),
    'headers of more than 64 KiB': withSections([1, Buffer.alloc(64 * 1024 + 1)]),
  }
  test.each(Object.entries(WRONG))('%s are refused, sent or stored', (_, bytes) => {
    expect(sent(bytes)).toMatch(/\S/)
    expect(stored(bytes)).toMatch(/\S/)
  })

  test('a block longer than its record is refused', () => {
    const bytes = withSections([1, HEADERS])
    bytes.writeUInt32BE(0xffff_ffff, 32)
    expect(stored(bytes)).toBe('extension block longer than its record')
  })

  test('a section longer than its block is refused', () => {
    const bytes = withSections([1, HEADERS])
    bytes.writeUInt8(0xff, 37)
    expect(stored(bytes)).toBe('extension section longer than its block')
  })
})
