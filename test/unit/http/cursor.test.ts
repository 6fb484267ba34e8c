import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeCursor, encodeCursor } from '../../../src/listeners/http/read/cursor.ts'
import { baseSeed } from '../../support/random.ts'

describe('cursor', () => {
  test('comes back as it was given out, for its topic', () => {
    fc.assert(
      fc.property(fc.array(fc.maxSafeNat(), { minLength: 1, maxLength: 50 }), (positions) => {
        expect(decodeCursor(encodeCursor(positions, 'orders'), 'orders')).toEqual(positions)
      }),
      { seed: baseSeed(), numRuns: 300 },
    )
  })

  test('of another topic, or with any character changed, cut or added, is refused', () => {
    const cursor = encodeCursor([0, 127, 128, 2 ** 40, Number.MAX_SAFE_INTEGER], 'orders')
    expect(decodeCursor(cursor, 'order')).toBeUndefined()
    for (let i = 0; i < cursor.length; i += 1) {
      const other = cursor[i] === 'A' ? 'B' : 'A'
      expect(
        decodeCursor(cursor.slice(0, i) + other + cursor.slice(i + 1), 'orders'),
      ).toBeUndefined()
      expect(decodeCursor(cursor.slice(0, i), 'orders')).toBeUndefined()
    }
    for (const text of ['', 'A', '====', `${cursor}A`, `${cursor}=`, 'x'.repeat(100_000), 'é']) {
      expect(decodeCursor(text, 'orders'), text.slice(0, 20)).toBeUndefined()
    }
  })
})
