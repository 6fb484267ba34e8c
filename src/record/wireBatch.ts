/**
 * The batch as it travels in a raw publish: a header of 32 bytes, then records as {@link RecordBatch} has
 * them (offset, timestamp and crc of each are the broker's and travel as zeros).
 *
 *    0  magic "GB"      u16
 *    2  version = 1     u8
 *    3  flags           u8    bit 0: the producer fields mean something
 *    4  crc32c          u32   over every byte from 8 to the end
 *    8  record count    u32
 *   12  record bytes    u32
 *   16  producer id     u64   1 to 2^53 - 1
 *   24  producer epoch  u16
 *   26  reserved = 0    u16
 *   28  base sequence   u32
 *   32  records
 *
 * The first four bytes are outside the checksum. A flipped bit in them is seen all the same: without bit 0 of the
 * flags every producer field is zero, with it the producer id is not.
 */
import { BrokerError } from '../kernel/errors.ts'
import { LIMITS } from '../kernel/limits.ts'
import type { RecordBatch } from './batch.ts'
import { crc32c } from './crc32c.ts'
import { recordProblem } from './decode.ts'
import { AT_FLAGS, FLAG, putU16, putU32, putU64, recordLength, u16, u32, u64 } from './layout.ts'
import { originAt } from './origin.ts'

export const WIRE_BATCH_CONTENT_TYPE = 'application/vnd.goqueue.records'
export const WIRE_HEADER_BYTES = 32
const WIRE_MAGIC = 0x4742
const WIRE_VERSION = 1
const WIRE_FLAG_PRODUCER = 0x01
const SENT_FLAGS = FLAG.EXTENSION | FLAG.NULL_VALUE

export interface WireProducer {
  /** 1 to 2^53 - 1. */
  readonly producerId: number
  readonly epoch: number
  /** Sequence of the batch's first record. */
  readonly baseSequence: number
}

export interface WireBatch extends RecordBatch {
  readonly producer: WireProducer | undefined
}

/** The bytes of one raw publish. */
export function encodeWireBatch(batch: RecordBatch, producer?: WireProducer): Buffer {
  const wire = Buffer.allocUnsafe(WIRE_HEADER_BYTES + batch.bytes.length)
  batch.bytes.copy(wire, WIRE_HEADER_BYTES)
  putWireHeader(wire, batch.count, producer)
  return wire
}

/** Fills in the header in front of the `count` records that `wire` holds behind it. */
export function putWireHeader(wire: Buffer, count: number, producer?: WireProducer): void {
  putU16(wire, 0, WIRE_MAGIC)
  wire[2] = WIRE_VERSION
  wire[3] = producer ? WIRE_FLAG_PRODUCER : 0
  putU32(wire, 8, count)
  putU32(wire, 12, wire.length - WIRE_HEADER_BYTES)
  putU64(wire, 16, producer?.producerId ?? 0)
  putU16(wire, 24, producer?.epoch ?? 0)
  putU16(wire, 26, 0)
  putU32(wire, 28, producer?.baseSequence ?? 0)
  putU32(wire, 4, crc32c(wire, 8))
}

const corrupt = (why: string): BrokerError => new BrokerError('CORRUPT_RECORD', `raw batch: ${why}`)

export interface WireBatchRules {
  /** One record in bytes, at most. */
  readonly recordBytesMax?: number
  /**
   * Whether the records are to wait: each then says in its origin until when. In others an origin is refused, since
   * it is by origins that the broker knows what it has delivered.
   */
  readonly delayed?: boolean
}

/**
 * The batch in `wire`, checked to the last byte; its records are a view into `wire`.
 * Throws CORRUPT_RECORD, UNSUPPORTED_VERSION, RECORD_TOO_LARGE or BATCH_TOO_LARGE.
 */
export function decodeWireBatch(
  wire: Buffer,
  { recordBytesMax = LIMITS.recordBytesMax, delayed = false }: WireBatchRules = {},
): WireBatch {
  if (wire.length < WIRE_HEADER_BYTES) throw corrupt('shorter than its header')
  if (u16(wire, 0) !== WIRE_MAGIC) throw corrupt('wrong magic')
  if (wire[2] !== WIRE_VERSION) {
    throw new BrokerError('UNSUPPORTED_VERSION', `raw batch: unknown version ${wire[2]}`)
  }
  const flags = wire[3] as number
  if ((flags & ~WIRE_FLAG_PRODUCER) !== 0) throw corrupt(`unknown flags 0x${flags.toString(16)}`)
  if (u32(wire, 12) !== wire.length - WIRE_HEADER_BYTES) throw corrupt('length does not match')
  if (u32(wire, 4) !== crc32c(wire, 8)) throw corrupt('checksum does not match')
  if (u16(wire, 26) !== 0) throw corrupt('reserved bytes are not zero')
  const count = u32(wire, 8)
  if (count > LIMITS.batchRecordsMax || wire.length > LIMITS.batchBytesMax) {
    throw new BrokerError('BATCH_TOO_LARGE', `raw batch of ${count} records, ${wire.length} bytes`)
  }
  const bytes = wire.subarray(WIRE_HEADER_BYTES)
  checkRecords(bytes, count, { recordBytesMax, delayed })
  return { bytes, count, producer: decodeProducer(wire, flags) }
}

function decodeProducer(wire: Buffer, flags: number): WireProducer | undefined {
  const producer = { producerId: u64(wire, 16), epoch: u16(wire, 24), baseSequence: u32(wire, 28) }
  if ((flags & WIRE_FLAG_PRODUCER) === 0) {
    if (producer.producerId !== 0 || producer.epoch !== 0 || producer.baseSequence !== 0) {
      throw corrupt('producer fields without their flag')
    }
    return undefined
  }
  if (producer.producerId === 0 || !Number.isSafeInteger(producer.producerId)) {
    throw corrupt('producer id out of range')
  }
  return producer
}

function checkRecords(
  bytes: Buffer,
  count: number,
  { recordBytesMax, delayed }: Required<WireBatchRules>,
): void {
  let at = 0
  let found = 0
  while (at < bytes.length) {
    const problem = recordProblem(bytes, at, bytes.length, true)
    if (problem !== undefined) throw corrupt(`record ${found}: ${problem}`)
    if (((bytes[at + AT_FLAGS] as number) & ~SENT_FLAGS) !== 0) {
      throw corrupt(`record ${found}: flags that only the broker sets`)
    }
    if (originAt(bytes, at) >= 0 !== delayed) {
      throw corrupt(
        `record ${found}: ${delayed ? 'no time to wait for' : 'only delayed ones wait'}`,
      )
    }
    const length = recordLength(bytes, at)
    if (length > recordBytesMax) {
      throw new BrokerError(
        'RECORD_TOO_LARGE',
        `record ${found} of ${length} bytes, at most ${recordBytesMax}`,
      )
    }
    at += length
    found += 1
  }
  if (found !== count || count === 0) throw corrupt(`${count} records announced, ${found} found`)
}
