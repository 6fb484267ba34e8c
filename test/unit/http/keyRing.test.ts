import { describe, expect, test } from 'vitest'
import { KeyRing } from '../../../src/listeners/http/keyRing.ts'

const billing = { name: 'billing', key: 'a'.repeat(32) }
const shop = { name: 'shop', key: 'b'.repeat(32) }

describe('key ring', () => {
  test('gives the name of a known key, at the first time of asking and later', () => {
    const ring = new KeyRing([billing, shop])
    expect([billing, shop, billing].map(({ key }) => ring.nameOf(key))).toEqual([
      ...['billing', 'shop', 'billing'],
    ])
  })

  test.each([
    '',
    'a'.repeat(31),
    'a'.repeat(33),
    `${'a'.repeat(31)}b`,
    'A'.repeat(32),
    'a'.repeat(100_000),
    'é'.repeat(32),
  ])('knows no other', (key) => {
    const ring = new KeyRing([billing, shop])
    ring.nameOf(billing.key)
    expect(ring.nameOf(key)).toBeUndefined()
  })

  test('forgets what was replaced, also what it had found', () => {
    const ring = new KeyRing([billing])
    expect(ring.nameOf(billing.key)).toBe('billing')
    ring.replace([{ ...shop, name: 'billing' }])
    expect([ring.nameOf(billing.key), ring.nameOf(shop.key)]).toEqual([undefined, 'billing'])
  })
})
