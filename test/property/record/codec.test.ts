import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  batchOf,
  checksumMatches,
  type DecodedRecord,
  decodeRecord,
  decodeRecords,
  decodeWireBatch,
  encodeWireBatch,
  FLAG,
  hasMore,
  type RecordBatch,
  type RecordInput,
  recordLength,
  recordProblem,
  stampRecord,
} from '../../../src/record/index.ts'
import {
  recordInput,
  recordInputs,
  runs,
  sentInputs,
  stampBase,
  wireProducer,
} from './arbitraries.ts'

const asBuffer = (data: string | Uint8Array): Buffer => Buffer.from(data as Uint8Array)

/** What reading must give back of what was put in. */
const expected = (input: RecordInput): Partial<DecodedRecord> => ({
  key: input.key === undefined || input.key.length === 0 ? undefined : asBuffer(input.key),
  value: input.value === null ? null : asBuffer(input.value),
  priority: input.priority ?? 2,
  extension: input.extension,
  control: input.control ?? false,
})

/** Stamps as a log does: dense offsets, one time, a chain. */
function stamp(batch: RecordBatch, base: { offset: number; timestampMs: number }): void {
  let at = 0
  for (let index = 0; index < batch.count; index += 1) {
    const length = recordLength(batch.bytes, at)
    stampRecord(batch.bytes, at, length, {
      offset: base.offset + index,
      timestampMs: base.timestampMs,
      more: index < batch.count - 1,
    })
    at += length
  }
}

const starts = (batch: RecordBatch): number[] => {
  const found: number[] = []
  for (let at = 0; at < batch.bytes.length; at += recordLength(batch.bytes, at)) found.push(at)
  return found
}

describe('record codec', () => {
  test('gives back what was put in, with what the log stamped', () => {
    fc.assert(
      fc.property(recordInputs, stampBase, (inputs, base) => {
        const batch = batchOf(...inputs)
        stamp(batch, base)
        const decoded = [...decodeRecords(batch.bytes)]
        expect(decoded).toHaveLength(inputs.length)
        for (const [index, record] of decoded.entries()) {
          expect(record).toMatchObject(expected(inputs[index] as RecordInput))
          expect(record.offset).toBe(base.offset + index)
          expect(record.timestampMs).toBe(base.timestampMs)
        }
        for (const [index, at] of starts(batch).entries()) {
          expect(recordProblem(batch.bytes, at, batch.bytes.length)).toBeUndefined()
          expect(checksumMatches(batch.bytes, at)).toBe(true)
          expect(hasMore(batch.bytes, at)).toBe(index < inputs.length - 1)
        }
      }),
      runs(300),
    )
  })

  test('stamping again replaces the first stamp wholly', () => {
    fc.assert(
      fc.property(recordInput, stampBase, stampBase, (input, first, second) => {
        const once = batchOf(input)
        stamp(once, second)
        const twice = batchOf(input)
        stampRecord(twice.bytes, 0, twice.bytes.length, { ...first, more: true })
        stamp(twice, second)
        expect(twice.bytes.equals(once.bytes)).toBe(true)
      }),
      runs(100),
    )
  })

  test('no single flipped bit of a stored record goes unnoticed', () => {
    fc.assert(
      fc.property(recordInput, stampBase, fc.boolean(), (input, base, more) => {
        const { bytes } = batchOf(input)
        stampRecord(bytes, 0, bytes.length, { ...base, more })
        for (let bit = 0; bit < bytes.length * 8; bit += 1) {
          bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7))
          const noticed =
            recordProblem(bytes, 0, bytes.length) !== undefined || !checksumMatches(bytes, 0)
          if (!noticed) expect(`bit ${bit & 7} of byte ${bit >> 3}`).toBe('noticed')
          bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7))
        }
      }),
      runs(25),
    )
  })

  test('a record cut anywhere is torn', () => {
    fc.assert(
      fc.property(recordInput, stampBase, (input, base) => {
        const batch = batchOf(input)
        stamp(batch, base)
        for (let end = 0; end < batch.bytes.length; end += 1) {
          expect(recordProblem(batch.bytes, 0, end)).toContain('torn')
        }
      }),
      runs(25),
    )
  })

  test('bytes that were never a record, but begin like one, give a reason or decode; they never throw', () => {
    const header = fc.record({
      flags: fc.integer({ min: 0, max: 15 }),
      keyLength: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constant(0xffff)),
      bodyLength: fc.oneof(fc.integer({ min: 0, max: 200 }), fc.constant(0xffff_ffff)),
      rest: fc.uint8Array({ minLength: 0, maxLength: 200 }),
      /** Small numbers at the front make extension blocks that are nearly right. */
      front: fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 12 }),
    })
    fc.assert(
      fc.property(header, ({ flags, keyLength, bodyLength, rest, front }) => {
        const bytes = Buffer.concat([Buffer.alloc(32), Buffer.from(front), Buffer.from(rest)])
        bytes.write('GQ')
        bytes[2] = 1
        bytes[3] = flags
        bytes[25] = flags
        bytes.writeUInt16BE(keyLength, 26)
        bytes.writeUInt32BE(bodyLength, 28)
        const problem = recordProblem(bytes, 0, bytes.length)
        if (problem === undefined) decodeRecord(bytes, 0)
        else expect(problem).toMatch(/\S/)
      }),
      runs(1000),
    )
  })

  test('an extension block of random sections gives a reason or decodes; it never throws', () => {
    const section = fc.record({
      type: fc.integer({ min: 0, max: 5 }),
      body: fc.uint8Array({ maxLength: 30 }),
      lengthOff: fc.constantFrom(0, 0, 0, 1, -1, 0xff_0000),
    })
    fc.assert(
      fc.property(fc.array(section, { maxLength: 4 }), fc.boolean(), (sections, strict) => {
        const parts = sections.map(({ type, body, lengthOff }) => {
          const head = Buffer.alloc(4)
          head.writeUInt32BE(Math.max(0, body.length + lengthOff))
          head[0] = type
          return Buffer.concat([head, body])
        })
        const { bytes } = batchOf({ value: Buffer.concat([Buffer.alloc(4), ...parts]) })
        bytes.writeUInt32BE(bytes.length - 36, 32)
        bytes[3] = FLAG.EXTENSION
        bytes[25] = strict ? 0 : FLAG.EXTENSION
        const problem = recordProblem(bytes, 0, bytes.length, strict)
        if (problem === undefined) decodeRecord(bytes, 0)
        else expect(problem).toMatch(/\S/)
      }),
      runs(1000),
    )
  })
})

describe('wire batch', () => {
  test('gives back records and producer as they were sent', () => {
    fc.assert(
      fc.property(sentInputs, fc.option(wireProducer, { nil: undefined }), (inputs, producer) => {
        const batch = batchOf(...inputs)
        const waits = inputs.filter(({ extension }) => extension?.origin !== undefined).length
        const encoded = encodeWireBatch(batch, producer)
        const delayed = waits === inputs.length
        // All of them wait, or none: half and half is neither kind of batch.
        if (waits > 0) expect(() => decodeWireBatch(encoded)).toThrow('only delayed ones wait')
        if (!delayed) {
          expect(() => decodeWireBatch(encoded, { delayed: true })).toThrow('no time to wait for')
          if (waits > 0) return
        }
        const wire = decodeWireBatch(encoded, { delayed })
        expect(wire.count).toBe(inputs.length)
        expect(wire.bytes.equals(batch.bytes)).toBe(true)
        expect(wire.producer).toEqual(producer)
      }),
      runs(200),
    )
  })
})
