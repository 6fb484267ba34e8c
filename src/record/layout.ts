/**
 * The record, format version 1. All integers are big-endian.
 *
 *    0  magic "GQ"     u16
 *    2  version = 1    u8
 *    3  flags          u8
 *    4  crc32c         u32   over every byte from 8 to the end of the record
 *    8  offset         u64
 *   16  timestamp      u64   milliseconds since 1970, by the broker's clock at the append
 *   24  priority       u8    0 critical … 4 background
 *   25  flags again    u8    the first four bytes are outside the checksum: this copy puts the flags inside
 *   26  key length     u16
 *   28  body length    u32   extension block (if flagged) plus value
 *   32  extension block (if flagged), key, value
 *
 * The extension block opens with its own length (u32, of the sections behind it), so that the total,
 * 32 + key length + body length, is known from the header alone. A null value has no bytes and its flag set. A key of length 0 is no key.
 *
 * MORE chains the records of one atomic batch: every record but the last of its batch carries it. A
 * crash that tears a batch leaves a chain without an end, and recovery cuts before its first record.
 */
export const HEADER_BYTES = 32
export const MAGIC = 0x4751
export const VERSION = 1

export const AT_VERSION = 2
export const AT_FLAGS = 3
export const AT_CRC = 4
export const AT_OFFSET = 8
export const AT_TIMESTAMP = 16
export const AT_PRIORITY = 24
export const AT_FLAGS_COPY = 25
export const AT_KEY_LENGTH = 26
export const AT_BODY_LENGTH = 28

export const FLAG = {
  EXTENSION: 0x01,
  NULL_VALUE: 0x02,
  CONTROL: 0x04,
  MORE: 0x08,
} as const
export const KNOWN_FLAGS = FLAG.EXTENSION | FLAG.NULL_VALUE | FLAG.CONTROL | FLAG.MORE

/** Reads the big-endian uint32 at `at`. Faster than Buffer.readUInt32BE: no bounds check of its own (bench/micro). */
export const u32 = (bytes: Uint8Array, at: number): number =>
  (((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)) >>>
  0

export const u16 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] as number) << 8) | (bytes[at + 1] as number)

/** Reads a uint64 that is known to be a safe integer. */
export const u64 = (bytes: Uint8Array, at: number): number =>
  u32(bytes, at) * 0x1_0000_0000 + u32(bytes, at + 4)

export function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

export function putU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8
  bytes[at + 1] = value
}

export function putU64(bytes: Uint8Array, at: number, value: number): void {
  putU32(bytes, at, Math.floor(value / 0x1_0000_0000))
  putU32(bytes, at + 4, value >>> 0)
}

/** Length in bytes of the whole record whose header starts at `at`. */
export const recordLength = (bytes: Uint8Array, at: number): number =>
  HEADER_BYTES + u16(bytes, at + AT_KEY_LENGTH) + u32(bytes, at + AT_BODY_LENGTH)

export const recordOffset = (bytes: Uint8Array, at: number): number => u64(bytes, at + AT_OFFSET)

export const recordTimestampMs = (bytes: Uint8Array, at: number): number =>
  u64(bytes, at + AT_TIMESTAMP)

export const recordPriority = (bytes: Uint8Array, at: number): number =>
  bytes[at + AT_PRIORITY] as number

/** True where the next record belongs to the same atomic batch. */
export const hasMore = (bytes: Uint8Array, at: number): boolean =>
  ((bytes[at + AT_FLAGS] as number) & FLAG.MORE) !== 0
