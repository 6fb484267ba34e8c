import { describe, expect, test } from 'vitest'
import { formatSizeBytes, parseSizeBytes } from '../../../src/kernel/size.ts'

describe('size', () => {
  test.each([
    ['0', 0],
    ['4096', 4096],
    [4096, 4096],
    ['100B', 100],
    ['64MB', 64_000_000],
    ['64MiB', 67_108_864],
    ['64 mib', 67_108_864],
    [' 1.5KiB ', 1536],
    ['2GiB', 2_147_483_648],
    ['1TB', 1e12],
  ])('%j is %d bytes', (written, bytes) => {
    expect(parseSizeBytes(written)).toBe(bytes)
  })

  test.each([
    ['64M'],
    [''],
    ['MiB'],
    ['-1MB'],
    ['1e3'],
    ['1.2.3MB'],
    [-1],
    [1.5],
    [Number.NaN],
    [null],
    [true],
    ['9'.repeat(20)],
  ])('%j is no size', (written) => {
    expect(parseSizeBytes(written)).toBeUndefined()
  })

  test.each([0, 1, 1000, 1024, 1536, 64_000_000, 67_108_864, 3 * 1024 ** 4])(
    '%d bytes are written in a form that is read back exactly',
    (bytes) => {
      expect(parseSizeBytes(formatSizeBytes(bytes))).toBe(bytes)
    },
  )

  test('takes the largest unit that is exact', () => {
    expect([67_108_864, 1536, 1000].map(formatSizeBytes)).toEqual(['64MiB', '1536B', '1000B'])
  })
})
