import { describe, expect, test } from 'vitest'
import {
  batchOf,
  decodeRecords,
  hasKeys,
  keyHash,
  keyPartition,
  StickyPartitioner,
  splitByKey,
} from '../../../src/record/index.ts'

describe('keyHash', () => {
  // Known vectors of murmur3 x86 32, seed 0.
  test.each([
    ['', 0],
    ['a', 0x3c2569b2],
    ['ab', 0x9bbfd75f],
    ['abc', 0xb3dd93fa],
    ['hello', 0x248bfa47],
    ['hello, world', 0x149bbb7f],
    ['The quick brown fox jumps over the lazy dog', 0x2e4ff723],
  ])('of %j is the known one', (key, hash) => {
    expect(keyHash(key)).toBe(hash)
    expect(keyHash(Buffer.from(key))).toBe(hash)
  })

  test('of a string is that of its UTF-8 bytes, whatever its length and alphabet', () => {
    for (const key of [
      'é',
      'ключ',
      '鍵',
      '🔑',
      'k'.repeat(128),
      'k'.repeat(129),
      'k'.repeat(5000),
    ]) {
      expect(keyHash(key), key).toBe(keyHash(Buffer.from(key)))
    }
  })
})

describe('keyPartition', () => {
  test('clears the sign bit before the modulo', () => {
    const hash = keyHash('abc')
    expect(hash).toBeGreaterThan(0x7fff_ffff)
    expect(keyPartition('abc', 7)).toBe((hash - 0x8000_0000) % 7)
  })

  test('spreads keys evenly', () => {
    const counts = new Uint32Array(12)
    for (let i = 0; i < 60_000; i += 1) {
      const partition = keyPartition(`customer-${i}`, 12)
      counts[partition] = (counts[partition] as number) + 1
    }
    for (const count of counts) expect(count).toBeGreaterThan(5000 * 0.93)
    for (const count of counts) expect(count).toBeLessThan(5000 * 1.07)
  })
})

describe('StickyPartitioner', () => {
  test('stays for a batch and goes round', () => {
    const sticky = new StickyPartitioner(3, 1)
    const visited = Array.from({ length: 7 }, () => {
      const partition = sticky.current
      sticky.place(10)
      expect(sticky.current).toBe(partition)
      sticky.rotate()
      return partition
    })
    expect(visited).toEqual([1, 2, 0, 1, 2, 0, 1])
  })

  test('batches of any size spread evenly', () => {
    const sticky = new StickyPartitioner(4)
    const placed = [0, 0, 0, 0]
    for (let i = 0; i < 1000; i += 1) {
      const records = 1 + ((i * 7919) % 100)
      placed[sticky.current] = (placed[sticky.current] as number) + records
      sticky.place(records)
      sticky.rotate()
    }
    expect(Math.max(...placed) - Math.min(...placed)).toBeLessThanOrEqual(100)
  })

  test('passes over what is not usable, and stays where nothing is', () => {
    const sticky = new StickyPartitioner(3)
    const visited = Array.from({ length: 4 }, () => {
      sticky.rotate((partition) => partition !== 1)
      sticky.place(1)
      return sticky.current
    })
    expect(visited).toEqual([2, 0, 2, 0])
    sticky.rotate(() => false)
    expect(sticky.current).toBe(0)
  })
})

describe('splitByKey', () => {
  const records = Array.from({ length: 40 }, (_, i) => ({
    key: i % 5 === 0 ? undefined : `key-${i % 7}`,
    value: `value-${i}`,
    extension: i % 3 === 0 ? { headers: { n: String(i) } } : undefined,
  }))

  test('every record goes once, in order, to the partition of its key', () => {
    const { runs, runOfRecord } = splitByKey(batchOf(...records), 4, 3)
    const decoded = runs.map((run) => [...decodeRecords(run.batch.bytes)])
    expect(runs.map((run) => run.batch.count)).toEqual(decoded.map((each) => each.length))
    const taken = runs.map(() => 0)
    for (const [i, record] of records.entries()) {
      const run = runOfRecord[i] as number
      const wanted = record.key === undefined ? 3 : keyPartition(record.key, 4)
      expect(runs[run]?.partition).toBe(wanted)
      const found = decoded[run]?.[taken[run] as number]
      taken[run] = (taken[run] as number) + 1
      expect(found?.value?.toString()).toBe(record.value)
      expect(found?.extension?.headers).toEqual(record.extension?.headers)
    }
    expect(taken).toEqual(decoded.map((each) => each.length))
  })

  test('keys longer than the scratch view are hashed as they are', () => {
    const key = 'k'.repeat(300)
    expect(splitByKey(batchOf({ key, value: '' }), 8, 0).runs[0]?.partition).toBe(
      keyPartition(key, 8),
    )
  })

  test('hasKeys sees one key among many records', () => {
    expect(hasKeys(batchOf({ value: 'a' }, { value: 'b' }))).toBe(false)
    expect(hasKeys(batchOf({ value: 'a' }, { key: 'k', value: 'b' }))).toBe(true)
  })
})
