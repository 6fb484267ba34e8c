import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  batchOf,
  decodeRecord,
  decodeWireBatch,
  encodeWireBatch,
  type RecordInput,
  recordLength,
  WIRE_HEADER_BYTES,
  WireBatchBuilder,
  wireRecordBytesMax,
} from '../../../src/record/index.ts'
import { baseSeed } from '../../support/random.ts'

const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 80 }), fc.string({ maxLength: 80 }))
const data = fc.oneof(
  text,
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
)
const record: fc.Arbitrary<RecordInput> = fc.record(
  {
    key: data,
    value: fc.oneof(data, fc.constant(null)),
    priority: fc.constantFrom(0, 1, 2, 3, 4),
    extension: fc.record({ headers: fc.dictionary(text, text, { maxKeys: 3 }) }),
  },
  { requiredKeys: ['value'] },
)

const fill = (records: readonly RecordInput[], marked: boolean): WireBatchBuilder => {
  const builder = new WireBatchBuilder(0, marked)
  for (const each of records) {
    builder.grow(builder.length + wireRecordBytesMax(each))
    builder.add(each)
  }
  return builder
}

describe('WireBatchBuilder', () => {
  test('gives the bytes that encoding into a batch and then into its wire form gives', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 8 }), (records) => {
        expect(fill(records, false).seal()).toEqual(encodeWireBatch(batchOf(...records)))
      }),
      { seed: baseSeed(), numRuns: 200 },
    )
  })

  test('marks the first record, whatever headers it has, and can be sealed again for another epoch', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 4 }), (records) => {
        const builder = fill(records, true)
        for (const producer of [
          { producerId: 2 ** 51 + 7, epoch: 0, baseSequence: 41 },
          { producerId: 2 ** 51 + 7, epoch: 1, baseSequence: 0 },
        ]) {
          const batch = decodeWireBatch(builder.seal(producer))
          expect(batch.producer).toEqual(producer)
          const { producerId, epoch, baseSequence } = producer
          const first = decodeRecord(batch.bytes, 0)
          expect(first.extension?.producer).toEqual({ producerId, epoch, sequence: baseSequence })
          expect(first.extension?.headers ?? {}).toEqual(records[0]?.extension?.headers ?? {})
          const second = recordLength(batch.bytes, 0)
          if (records.length > 1) {
            expect(decodeRecord(batch.bytes, second).extension?.producer).toBeUndefined()
          }
        }
      }),
      { seed: baseSeed(), numRuns: 200 },
    )
  })

  test('gives records that wait their origin, with headers and mark or without', () => {
    const dueMs = fc.integer({ min: 0, max: 2 ** 50 })
    fc.assert(
      fc.property(
        fc.array(fc.tuple(record, dueMs), { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        (waiting, marked) => {
          const records = waiting.map(([each, due]) => ({
            ...each,
            extension: { ...each.extension, origin: { partition: 3, offset: 5, dueMs: due } },
          }))
          const sequences = marked ? [41] : []
          const producer = { producerId: 2 ** 51 + 7, epoch: 3, baseSequence: 41 }
          const wire = fill(records, marked).seal(marked ? producer : undefined)
          if (!marked) expect(wire).toEqual(encodeWireBatch(batchOf(...records)))
          const { bytes } = decodeWireBatch(wire, { delayed: true })
          let at = 0
          for (const [nth, { extension }] of records.entries()) {
            const decoded = decodeRecord(bytes, at).extension
            expect(decoded?.origin).toEqual(extension.origin)
            expect({ ...decoded?.headers }).toEqual({ ...extension.headers })
            expect(decoded?.producer?.sequence).toBe(sequences[nth])
            at += recordLength(bytes, at)
          }
        },
      ),
      { seed: baseSeed(), numRuns: 100 },
    )
  })

  test('is as before where a record is too large', () => {
    const builder = fill([{ value: 'kept' }], false)
    const before = builder.length
    const tooLong = { key: 'k'.repeat(70_000), value: '' }
    builder.grow(builder.length + wireRecordBytesMax(tooLong))
    expect(() => builder.add(tooLong)).toThrow(
      expect.objectContaining({ code: 'RECORD_TOO_LARGE' }),
    )
    expect(builder.length).toBe(before)
    expect(decodeWireBatch(builder.seal()).count).toBe(1)
    expect(builder.length).toBeGreaterThan(WIRE_HEADER_BYTES)
  })
})
