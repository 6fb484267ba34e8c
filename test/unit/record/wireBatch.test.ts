import { describe, expect, test } from 'vitest'
import { BrokerError } from '../../../src/kernel/errors.ts'
import {
  batchOf,
  crc32c,
  decodeWireBatch,
  encodeWireBatch,
  type RecordInput,
  stampRecord,
  WIRE_HEADER_BYTES,
} from '../../../src/record/index.ts'

const RECORDS: readonly RecordInput[] = [
  { key: 'k', value: 'v' },
  { value: null, key: 'gone', priority: 0 },
  {
    value: 'with sections',
    extension: {
      headers: { a: 'b' },
      producer: { producerId: 5, epoch: 1, sequence: 9 },
      origin: { partition: 1, offset: 2, dueMs: 3 },
    },
  },
]
const PRODUCER = { producerId: 7, epoch: 2, baseSequence: 40 }
const WIRES = {
  'without producer': encodeWireBatch(batchOf(...RECORDS)),
  'with producer': encodeWireBatch(batchOf(...RECORDS), PRODUCER),
} as const

/** The error that decoding ends in; undefined where it succeeds. Anything but a BrokerError fails the test. */
function refusal(wire: Buffer, recordBytesMax?: number): BrokerError | undefined {
  try {
    decodeWireBatch(wire, recordBytesMax === undefined ? {} : { recordBytesMax })
    return undefined
  } catch (error) {
    expect(error).toBeInstanceOf(BrokerError)
    return error as BrokerError
  }
}

/** A wire batch with bytes changed and the checksum made right again: what a hostile client can send. */
function resealed(
  change: (wire: Buffer) => void,
  from: Buffer = WIRES['without producer'],
): Buffer {
  const wire = Buffer.from(from)
  change(wire)
  wire.writeUInt32BE(crc32c(wire, 8), 4)
  return wire
}

/** Behind the header: the first record of the batch. */
const FIRST = WIRE_HEADER_BYTES

describe('wire batch', () => {
  test.each(Object.entries(WIRES))('%s: every single flipped bit is refused', (_, wire) => {
    for (let bit = 0; bit < wire.length * 8; bit += 1) {
      const flipped = Buffer.from(wire)
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
      const error = refusal(flipped)
      if (error === undefined) expect(`bit ${bit & 7} of byte ${bit >> 3}`).toBe('refused')
    }
  })

  test.each(Object.entries(WIRES))('%s: cut at any length, or longer, is refused', (_, wire) => {
    for (let length = 0; length < wire.length; length += 1) {
      expect(refusal(wire.subarray(0, length))?.code).toBe('CORRUPT_RECORD')
    }
    expect(refusal(Buffer.concat([wire, Buffer.alloc(1)]))?.code).toBe('CORRUPT_RECORD')
  })

  test('cut at any length with lengths and checksum made to fit is refused', () => {
    const whole = WIRES['without producer']
    for (let length = WIRE_HEADER_BYTES; length < whole.length; length += 1) {
      const cut = resealed(
        (wire) => {
          wire.writeUInt32BE(length - WIRE_HEADER_BYTES, 12)
        },
        whole.subarray(0, length),
      )
      expect(refusal(cut)?.code).toBe('CORRUPT_RECORD')
    }
  })

  const HOSTILE: Readonly<Record<string, [string, (wire: Buffer) => void]>> = {
    'another version': ['UNSUPPORTED_VERSION', (wire) => wire.writeUInt8(2, 2)],
    'unknown batch flags': ['CORRUPT_RECORD', (wire) => wire.writeUInt8(2, 3)],
    'reserved bytes that are not zero': ['CORRUPT_RECORD', (wire) => wire.writeUInt16BE(1, 26)],
    'no records announced': ['CORRUPT_RECORD', (wire) => wire.writeUInt32BE(0, 8)],
    'one record too many announced': ['CORRUPT_RECORD', (wire) => wire.writeUInt32BE(4, 8)],
    'four billion records announced': [
      'BATCH_TOO_LARGE',
      (wire) => wire.writeUInt32BE(2 ** 32 - 1, 8),
    ],
    'four billion bytes announced': [
      'CORRUPT_RECORD',
      (wire) => wire.writeUInt32BE(2 ** 32 - 1, 12),
    ],
    'producer fields without their flag': ['CORRUPT_RECORD', (wire) => wire.writeUInt32BE(1, 28)],
    'a producer without an id': ['CORRUPT_RECORD', (wire) => wire.writeUInt8(1, 3)],
    'a producer id beyond 2^53': [
      'CORRUPT_RECORD',
      (wire) => {
        wire.writeUInt8(1, 3)
        wire.writeBigUInt64BE(2n ** 53n, 16)
      },
    ],
    'a record of another magic': ['CORRUPT_RECORD', (wire) => wire.writeUInt16BE(0, FIRST)],
    'a record of another version': ['CORRUPT_RECORD', (wire) => wire.writeUInt8(2, FIRST + 2)],
    'unknown record flags': ['CORRUPT_RECORD', (wire) => wire.writeUInt8(0x10, FIRST + 3)],
    'a control record': ['CORRUPT_RECORD', (wire) => wire.writeUInt8(4, FIRST + 3)],
    'a record that chains itself': ['CORRUPT_RECORD', (wire) => wire.writeUInt8(8, FIRST + 3)],
    'an unknown priority': ['CORRUPT_RECORD', (wire) => wire.writeUInt8(5, FIRST + 24)],
    'a copy of the flags': ['CORRUPT_RECORD', (wire) => wire.writeUInt8(1, FIRST + 25)],
    'a key longer than the batch': [
      'CORRUPT_RECORD',
      (wire) => wire.writeUInt16BE(0xffff, FIRST + 26),
    ],
    'a body longer than the batch': [
      'CORRUPT_RECORD',
      (wire) => wire.writeUInt32BE(0xffff_ffff, FIRST + 28),
    ],
    'a null value with bytes': ['CORRUPT_RECORD', (wire) => wire.writeUInt8(2, FIRST + 3)],
    'a value flagged as an extension block': [
      'CORRUPT_RECORD',
      (wire) => wire.writeUInt8(1, FIRST + 3),
    ],
  }
  test.each(Object.entries(HOSTILE))('%s, well sealed, is refused', (_, [code, change]) => {
    expect(refusal(resealed(change))?.code).toBe(code)
  })

  test('a record over the limit is refused by name, one at the limit is not', () => {
    const wire = encodeWireBatch(batchOf({ value: Buffer.alloc(68) }))
    expect(refusal(wire, 100)).toBeUndefined()
    expect(refusal(wire, 99)?.code).toBe('RECORD_TOO_LARGE')
  })

  test('random bytes behind a good header end in a BrokerError', () => {
    for (let fill = 0; fill < 256; fill += 1) {
      const wire = resealed((bytes) => bytes.fill(fill, WIRE_HEADER_BYTES))
      expect(refusal(wire)).toBeInstanceOf(BrokerError)
    }
  })

  test('a flipped flag bit once turned a batch into one of another producer', () => {
    const wire = Buffer.from(WIRES['with producer'])
    wire[3] = 0
    expect(refusal(wire)?.code).toBe('CORRUPT_RECORD')
    const other = Buffer.from(WIRES['without producer'])
    other[3] = 1
    expect(refusal(other)?.code).toBe('CORRUPT_RECORD')
  })

  test('a batch that a log has stamped is not one that a client sends', () => {
    const batch = batchOf({ value: null, key: 'k' })
    stampRecord(batch.bytes, 0, batch.bytes.length, { offset: 1, timestampMs: 1, more: false })
    expect(refusal(encodeWireBatch(batch))?.message).toContain('copy of the flags')
  })
})
