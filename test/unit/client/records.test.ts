import { describe, expect, test } from 'vitest'
import { decodeChecked } from '../../../src/client/index.ts'
import { batchOf, recordLength, stampRecord } from '../../../src/record/index.ts'

/** Three records as a broker would have stored them from offset 7 on. */
function stored(): Buffer {
  const { bytes } = batchOf({ key: 'a', value: 'one' }, { value: 'two' }, { key: 'b', value: null })
  for (let at = 0, offset = 7; at < bytes.length; offset += 1) {
    const length = recordLength(bytes, at)
    stampRecord(bytes, at, length, { offset, timestampMs: 1000, more: at + length < bytes.length })
    at += length
  }
  return bytes
}

describe('decoding of a reply', () => {
  test('gives each record in order', () => {
    const records = decodeChecked(stored())
    expect(
      records.map(({ offset, key, value }) => [offset, key?.toString(), value?.toString()]),
    ).toEqual([
      [7, 'a', 'one'],
      [8, undefined, 'two'],
      [9, 'b', undefined],
    ])
  })

  test('gives nothing of no bytes', () => {
    expect(decodeChecked(Buffer.alloc(0))).toEqual([])
  })

  test('refuses a reply with any byte flipped', () => {
    const whole = stored()
    for (let at = 0; at < whole.length; at += 1) {
      const broken = Buffer.from(whole)
      broken[at] = (broken[at] as number) ^ 0x40
      const refused = expect.objectContaining({ code: 'CORRUPT_RECORD' })
      expect(() => decodeChecked(broken), `byte ${at}`).toThrow(refused)
    }
  })

  test('refuses a reply that was cut off', () => {
    const whole = stored()
    const cut = whole.subarray(0, whole.length - 1)
    expect(() => decodeChecked(cut)).toThrow(/torn record/)
  })
})
