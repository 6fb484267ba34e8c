/**
 * A batch: records back to back, not yet stamped with offset, timestamp and checksum. It is written
 * wholly or not at all. The builder encodes; `stampRecord` is what a log does as it assigns offsets.
 *
 * Ownership: whoever appends a batch gives its bytes away; the log stamps and keeps them.
 */
import { BrokerError } from '../kernel/errors.ts'
import { invariant } from '../kernel/invariant.ts'
import { LIMITS } from '../kernel/limits.ts'
import { NORMAL_PRIORITY, type Priority } from '../kernel/priority.ts'
import { crc32c } from './crc32c.ts'
import { type Extension, encodeExtension } from './extension.ts'
import {
  AT_BODY_LENGTH,
  AT_CRC,
  AT_FLAGS,
  AT_FLAGS_COPY,
  AT_KEY_LENGTH,
  AT_OFFSET,
  AT_PRIORITY,
  AT_TIMESTAMP,
  AT_VERSION,
  FLAG,
  HEADER_BYTES,
  MAGIC,
  putU16,
  putU32,
  putU64,
  VERSION,
} from './layout.ts'

export interface RecordBatch {
  /** Whole records, back to back. */
  readonly bytes: Buffer
  /** How many, at least 1. */
  readonly count: number
}

export interface RecordInput {
  /** Absent or empty: no key. At most 65,535 bytes. */
  readonly key?: string | Uint8Array | undefined
  /** Null is a tombstone: a record with a key and without a value. */
  readonly value: string | Uint8Array | null
  /** Default `normal` (2). */
  readonly priority?: Priority | undefined
  readonly extension?: Extension | undefined
  /** A record of the broker's own, not shown to readers of messages. */
  readonly control?: boolean
}

const UTF8_BYTES_PER_CHAR_MAX = 3

/** Encodes records one behind the other into one growing buffer; take() hands it over. */
export class BatchBuilder {
  #bytes: Buffer
  #length = 0
  #count = 0

  /** `capacityBytes`: a guess of the batch's size; the buffer grows when it was too low. */
  constructor(capacityBytes = 4096) {
    this.#bytes = Buffer.allocUnsafe(capacityBytes)
  }

  get count(): number {
    return this.#count
  }

  /** Bytes so far. */
  get length(): number {
    return this.#length
  }

  /** Throws RECORD_TOO_LARGE where the key or the whole record exceeds its limit; the batch is then as before. */
  add(record: RecordInput): void {
    const { key, value } = record
    const extension = record.extension ? encodeExtension(record.extension) : undefined
    const start = this.#length
    this.#reserve(HEADER_BYTES + (extension?.length ?? 0) + bytesMax(key) + bytesMax(value))
    const bytes = this.#bytes
    let at = start + HEADER_BYTES
    let bodyLength = 0
    if (extension) {
      bytes.set(extension, at)
      bodyLength = extension.length
      at += bodyLength
    }
    const keyLength = write(bytes, at, key)
    at += keyLength
    const valueLength = write(bytes, at, value)
    bodyLength += valueLength
    if (keyLength > LIMITS.keyBytesMax) throw tooLarge('key', keyLength, LIMITS.keyBytesMax)
    const length = HEADER_BYTES + keyLength + bodyLength
    if (length > LIMITS.recordBytesMax) throw tooLarge('record', length, LIMITS.recordBytesMax)
    putU16(bytes, start, MAGIC)
    bytes[start + AT_VERSION] = VERSION
    bytes[start + AT_FLAGS] =
      (extension ? FLAG.EXTENSION : 0) |
      (value === null ? FLAG.NULL_VALUE : 0) |
      (record.control ? FLAG.CONTROL : 0)
    // Offset, timestamp, checksum and the copy of the flags stay zero until a log stamps them.
    bytes.fill(0, start + AT_CRC, start + AT_PRIORITY)
    bytes[start + AT_PRIORITY] = record.priority ?? NORMAL_PRIORITY
    bytes[start + AT_FLAGS_COPY] = 0
    putU16(bytes, start + AT_KEY_LENGTH, keyLength)
    putU32(bytes, start + AT_BODY_LENGTH, bodyLength)
    this.#length = start + length
    this.#count += 1
  }

  /** The batch so far; the builder is empty afterwards and shares no bytes with it. */
  take(): RecordBatch {
    invariant(this.#count > 0, 'a batch has at least one record')
    const batch = { bytes: this.#bytes.subarray(0, this.#length), count: this.#count }
    this.#bytes = Buffer.alloc(0)
    this.#length = 0
    this.#count = 0
    return batch
  }

  #reserve(more: number): void {
    const needed = this.#length + more
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2))
    this.#bytes.copy(grown, 0, 0, this.#length)
    this.#bytes = grown
  }
}

const bytesMax = (data: string | Uint8Array | null | undefined): number =>
  data == null ? 0 : typeof data === 'string' ? data.length * UTF8_BYTES_PER_CHAR_MAX : data.length

function write(bytes: Buffer, at: number, data: string | Uint8Array | null | undefined): number {
  if (data == null || data.length === 0) return 0
  if (typeof data === 'string') return bytes.write(data, at, 'utf8')
  bytes.set(data, at)
  return data.length
}

const tooLarge = (what: string, size: number, max: number): BrokerError =>
  new BrokerError('RECORD_TOO_LARGE', `${what} of ${size} bytes, at most ${max}`)

/** A batch of these records; for callers that are not in a hurry. */
export function batchOf(...records: readonly RecordInput[]): RecordBatch {
  const builder = new BatchBuilder()
  for (const record of records) builder.add(record)
  return builder.take()
}

export interface Stamp {
  /** Offset of the record. */
  offset: number
  timestampMs: number
  /** True for every record but the last of its batch. */
  more: boolean
}

/** Writes offset, timestamp, batch chain and checksum into the record of `length` bytes at `at`. */
export function stampRecord(bytes: Buffer, at: number, length: number, stamp: Stamp): void {
  const before = bytes[at + AT_FLAGS] as number
  const flags = stamp.more ? before | FLAG.MORE : before & ~FLAG.MORE
  bytes[at + AT_FLAGS] = flags
  bytes[at + AT_FLAGS_COPY] = flags
  putU64(bytes, at + AT_OFFSET, stamp.offset)
  putU64(bytes, at + AT_TIMESTAMP, stamp.timestampMs)
  putU32(bytes, at + AT_CRC, crc32c(bytes, at + AT_OFFSET, at + length))
}
