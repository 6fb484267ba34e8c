import { crc32c as nativeCrc32c } from '@node-rs/crc32'
import { describe, expect, test } from 'vitest'
import { tableCrc32c } from '../../../src/record/crc32c.ts'
import { crc32c } from '../../../src/record/index.ts'
import { SeededRandom } from '../../support/random.ts'

/** RFC 3720, B.4, and the check value of the CRC catalogue. */
const KNOWN: readonly (readonly [string, Buffer, number])[] = [
  ['32 zero bytes', Buffer.alloc(32), 0x8a9136aa],
  ['32 bytes of 0xff', Buffer.alloc(32, 0xff), 0x62a8ab43],
  ['0 up to 31', Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
  ['31 down to 0', Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c],
  ['the digits 1 to 9', Buffer.from('123456789'), 0xe3069283],
  ['no bytes', Buffer.alloc(0), 0],
]

describe('crc32c', () => {
  test.each(KNOWN)('of %s is the published value', (_, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected)
    expect(tableCrc32c(bytes, 0, bytes.length)).toBe(expected)
  })

  test('tables and native code agree at every length from 0 to 600 and every alignment', () => {
    const random = new SeededRandom(7)
    const bytes = Buffer.from(Array.from({ length: 640 }, () => random.int(256)))
    for (let length = 0; length <= 600; length += 1) {
      for (let start = 0; start < 17; start += 1) {
        const native = nativeCrc32c(bytes.subarray(start, start + length))
        if (tableCrc32c(bytes, start, start + length) !== native)
          expect([start, length]).toEqual([])
        if (crc32c(bytes, start, start + length) !== native) expect([start, length]).toEqual([])
      }
    }
  })

  test('is an unsigned number', () => {
    expect(crc32c(Buffer.alloc(1000, 0xff))).toBeGreaterThanOrEqual(0)
    expect(crc32c(Buffer.from('123456789'))).toBeGreaterThan(0x7fff_ffff)
  })
})
