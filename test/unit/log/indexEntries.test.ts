import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { IndexBuilder, NOTHING_INDEXED } from '../../../src/log/segmented/indexBuilder.ts'
import {
  checkedFloorEntry,
  ENTRY_BYTES,
  entryKey,
  entryMixed,
  entryValue,
  floorEntry,
  floorEntryByValue,
  INDEX_INTERVAL_BYTES,
  isEntry,
  MARK,
  putEntry,
  validPrefix,
} from '../../../src/log/segmented/indexEntries.ts'
import { baseSeed } from '../../support/random.ts'

const check = <T>(property: fc.IProperty<T>): void =>
  fc.assert(property, { seed: baseSeed(), numRuns: 100 })

interface Entry {
  readonly key: number
  readonly value: number
}

function encode(entries: readonly Entry[]): Buffer {
  const bytes = Buffer.alloc(entries.length * ENTRY_BYTES)
  for (const [i, { key, value }] of entries.entries()) putEntry(bytes, i * ENTRY_BYTES, key, value)
  return bytes
}

/** Entries with ascending keys and values. */
const ascending = fc
  .array(
    fc.record({
      key: fc.integer({ min: 1, max: 2 ** 40 }),
      value: fc.integer({ min: 1, max: 9000 }),
    }),
    { maxLength: 60 },
  )
  .map((steps) => {
    let key = 0
    let value = 0
    return steps.map((step) => {
      key += step.key
      value += step.value
      return { key, value }
    })
  })

const positionOf = (index: number): number => index * ENTRY_BYTES

describe('index entries', () => {
  test('have the form that the header describes', () => {
    const bytes = encode([{ key: 57, value: 4130 }])
    expect(bytes.toString('hex', 0, 12)).toBe('000000000000003900001022')
    expect(isEntry(bytes, 0)).toBe(true)
    expect([entryKey(bytes, 0), entryValue(bytes, 0)]).toEqual([57, 4130])
  })

  test('hold keys up to the largest safe integer', () => {
    const bytes = encode([{ key: Number.MAX_SAFE_INTEGER, value: 2 ** 30 - 1 }])
    expect(entryKey(bytes, 0)).toBe(Number.MAX_SAFE_INTEGER)
    expect(entryValue(bytes, 0)).toBe(2 ** 30 - 1)
  })

  test('are found by key and by value as in a sorted array', () => {
    check(
      fc.property(ascending, fc.nat(2 ** 41), fc.nat(600_000), (entries, key, value) => {
        const bytes = encode(entries)
        const byKey = positionOf(entries.findLastIndex((entry) => entry.key <= key))
        const byValue = positionOf(entries.findLastIndex((entry) => entry.value <= value))
        expect(floorEntry(bytes, key)).toBe(byKey)
        expect(checkedFloorEntry(bytes, key)).toBe(byKey)
        expect(floorEntryByValue(bytes, value)).toBe(byValue)
        for (const entry of entries) {
          expect(floorEntry(bytes, entry.key)).toBe(positionOf(entries.indexOf(entry)))
        }
      }),
    )
  })

  test('count only up to the first that is torn, damaged or out of order', () => {
    check(
      fc.property(ascending, fc.nat(), fc.integer({ min: 1, max: 255 }), (entries, place, bits) => {
        const bytes = encode(entries)
        expect(validPrefix(bytes)).toBe(bytes.length)
        if (bytes.length === 0) return
        const at = place % bytes.length
        const damaged = Buffer.from(bytes)
        damaged[at] = (damaged[at] as number) ^ bits
        expect(validPrefix(damaged)).toBe(positionOf(Math.floor(at / ENTRY_BYTES)))
        expect(validPrefix(bytes.subarray(0, at))).toBe(positionOf(Math.floor(at / ENTRY_BYTES)))
        expect(validPrefix(Buffer.concat([bytes, bytes]))).toBe(bytes.length)
      }),
    )
  })

  test('of zeros are none', () => {
    expect(validPrefix(Buffer.alloc(64))).toBe(0)
    expect(isEntry(Buffer.alloc(16), 0)).toBe(false)
  })
})

describe('index builder', () => {
  const BASE = 1000

  /** Passes records of these sizes, `perMs` of them to a millisecond. */
  function build(sizes: readonly number[], perMs: number) {
    const builder = new IndexBuilder(BASE, NOTHING_INDEXED)
    let position = 0
    const records = sizes.map((size, i) => {
      const record = { offset: BASE + i, position, timestampMs: 5000 + Math.floor(i / perMs) }
      if (position >= builder.nextPosition) {
        builder.add(record.offset, record.position, record.timestampMs)
      }
      position += size
      return record
    })
    return { builder, records }
  }

  /** The same, spelled out. */
  function expectedEntries(records: ReturnType<typeof build>['records']) {
    const expected: Entry[] = []
    const times: Entry[] = []
    let last = 0
    for (const { offset, position, timestampMs } of records) {
      if (position < last + INDEX_INTERVAL_BYTES) continue
      last = position
      expected.push({ key: offset, value: position + MARK.LANES_KNOWN })
      const lastMs = times.at(-1)?.key ?? -1
      if (timestampMs > lastMs) times.push({ key: timestampMs, value: offset - BASE })
    }
    return { expected, times, last }
  }

  test('indexes the first record 4 KiB or more behind the last one indexed', () => {
    const sizes = fc.array(fc.integer({ min: 32, max: 9000 }), { maxLength: 200 })
    check(
      fc.property(sizes, fc.integer({ min: 1, max: 20 }), (lengths, perMs) => {
        const { builder, records } = build(lengths, perMs)
        const { expected, times, last } = expectedEntries(records)
        const block = builder.take(BASE + lengths.length)
        expect(block?.offsets ?? Buffer.alloc(0)).toEqual(encode(expected))
        expect(block?.times ?? Buffer.alloc(0)).toEqual(encode(times))
        expect(builder.indexedWith(block)).toEqual({
          position: last,
          timestampMs: times.at(-1)?.key ?? -1,
          mixed: false,
        })
      }),
    )
  })

  test('leaves out what was cut off', () => {
    const { builder } = build(
      Array.from({ length: 10 }, () => 4096),
      1,
    )
    const block = builder.take(BASE + 4)
    expect(block?.offsets).toHaveLength(3 * ENTRY_BYTES)
    expect(block?.times).toHaveLength(3 * ENTRY_BYTES)
    expect(builder.indexedWith(block)).toEqual({
      position: 3 * 4096,
      timestampMs: 5003,
      mixed: false,
    })
  })

  test('marks the entries behind the first record that is not normal', () => {
    const { builder } = build(
      Array.from({ length: 4 }, () => 4096),
      1,
    )
    builder.turn(BASE + 4, 0)
    builder.turn(BASE + 5, 2)
    builder.add(BASE + 5, 5 * 4096, 5005)
    const block = builder.take(BASE + 6)
    const entries = block?.offsets ?? Buffer.alloc(0)
    const mixed = Array.from({ length: 4 }, (_, i) => entryMixed(entries, i * ENTRY_BYTES))
    expect(mixed).toEqual([false, false, false, true])
    expect(entryValue(entries, 3 * ENTRY_BYTES)).toBe(5 * 4096)
    expect(block?.turns).toEqual([BASE + 4, 0, BASE + 5, 2])
    expect(builder.indexedWith(block).mixed).toBe(true)
  })

  test('forgets the lanes of what was cut off', () => {
    const builder = new IndexBuilder(BASE, NOTHING_INDEXED)
    builder.turn(BASE + 4, 0)
    expect(builder.take(BASE + 4)).toBeUndefined()
    expect(builder.indexedWith(undefined).mixed).toBe(false)
  })
})
