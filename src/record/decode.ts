/** Reading records back: their form, their checksum, their parts. */
import { isPriority, type Priority } from '../kernel/priority.ts'
import { crc32c } from './crc32c.ts'
import { decodeExtension, type Extension, extensionProblem } from './extension.ts'
import {
  AT_BODY_LENGTH,
  AT_CRC,
  AT_FLAGS,
  AT_FLAGS_COPY,
  AT_KEY_LENGTH,
  AT_OFFSET,
  AT_PRIORITY,
  AT_VERSION,
  FLAG,
  HEADER_BYTES,
  KNOWN_FLAGS,
  MAGIC,
  recordLength,
  recordOffset,
  recordPriority,
  recordTimestampMs,
  u16,
  u32,
  VERSION,
} from './layout.ts'

export interface DecodedRecord {
  readonly offset: number
  readonly timestampMs: number
  readonly priority: Priority
  /** A view into the bytes it was read from; undefined where there is no key. */
  readonly key: Buffer | undefined
  /** A view into the bytes it was read from; null for a tombstone. */
  readonly value: Buffer | null
  readonly extension: Extension | undefined
  readonly control: boolean
}

/**
 * Why the bytes from `at` (up to `end`) do not start with a whole, well-formed record; undefined when they do.
 * Looks at the form only; {@link checksumMatches} looks at the bytes. `strict` is for what clients send, not yet
 * stamped by a log.
 */
export function recordProblem(
  bytes: Buffer,
  at: number,
  end: number,
  strict = false,
): string | undefined {
  if (end - at < HEADER_BYTES) return 'torn record header'
  if (u16(bytes, at) !== MAGIC) return 'no record here: wrong magic'
  if (bytes[at + AT_VERSION] !== VERSION) return `unknown record version ${bytes[at + AT_VERSION]}`
  const flags = bytes[at + AT_FLAGS] as number
  if ((flags & ~KNOWN_FLAGS) !== 0) return `unknown record flags 0x${flags.toString(16)}`
  if (bytes[at + AT_FLAGS_COPY] !== (strict ? 0 : flags)) return 'the copy of the flags differs'
  if (!isPriority(bytes[at + AT_PRIORITY] as number)) {
    return `unknown priority ${bytes[at + AT_PRIORITY]}`
  }
  const length = recordLength(bytes, at)
  if (at + length > end) return 'torn record'
  // The common record has no flags but the batch chain: nothing more to look at.
  return (flags & ~FLAG.MORE) === 0 ? undefined : flaggedProblem(bytes, at, strict)
}

/**
 * Length in bytes of the record at `at`, where it has that offset and no flags but the batch chain; 0 where it has not, or
 * is none, and {@link recordProblem} says which. The header must be whole; the record need not be. For the many
 * records that are passed over: one look at each field.
 */
export function usualLength(bytes: Buffer, at: number, offset: number): number {
  const flags = bytes[at + AT_FLAGS] as number
  const isUsual =
    u16(bytes, at) === MAGIC &&
    bytes[at + AT_VERSION] === VERSION &&
    (flags & ~FLAG.MORE) === 0 &&
    bytes[at + AT_FLAGS_COPY] === flags &&
    isPriority(bytes[at + AT_PRIORITY] as number) &&
    recordOffset(bytes, at) === offset
  return isUsual ? recordLength(bytes, at) : 0
}

function flaggedProblem(bytes: Buffer, at: number, strict: boolean): string | undefined {
  const flags = bytes[at + AT_FLAGS] as number
  const bodyLength = u32(bytes, at + AT_BODY_LENGTH)
  let extensionBytes = 0
  if (flags & FLAG.EXTENSION) {
    const start = at + HEADER_BYTES
    const problem = extensionProblem(bytes, start, start + bodyLength, strict)
    if (problem !== undefined) return problem
    extensionBytes = 4 + u32(bytes, start)
  }
  if (flags & FLAG.NULL_VALUE && bodyLength !== extensionBytes) return 'null value with bytes'
  return undefined
}

/** True where the stored checksum is that of the record's bytes. The record must be whole. */
export const checksumMatches = (bytes: Buffer, at: number): boolean =>
  u32(bytes, at + AT_CRC) === crc32c(bytes, at + AT_OFFSET, at + recordLength(bytes, at))

/** The parts of the whole, well-formed record at `at`. */
export function decodeRecord(bytes: Buffer, at: number): DecodedRecord {
  const flags = bytes[at + AT_FLAGS] as number
  const keyLength = u16(bytes, at + AT_KEY_LENGTH)
  const end = at + recordLength(bytes, at)
  let keyStart = at + HEADER_BYTES
  let extension: Extension | undefined
  if (flags & FLAG.EXTENSION) {
    extension = decodeExtension(bytes, keyStart)
    keyStart += 4 + u32(bytes, keyStart)
  }
  const valueStart = keyStart + keyLength
  return {
    offset: recordOffset(bytes, at),
    timestampMs: recordTimestampMs(bytes, at),
    priority: recordPriority(bytes, at) as Priority,
    key: keyLength === 0 ? undefined : bytes.subarray(keyStart, valueStart),
    value: flags & FLAG.NULL_VALUE ? null : bytes.subarray(valueStart, end),
    extension,
    control: (flags & FLAG.CONTROL) !== 0,
  }
}

/** Each record of `bytes`, which holds whole records only. */
export function* decodeRecords(bytes: Buffer): Generator<DecodedRecord> {
  for (let at = 0; at < bytes.length; at += recordLength(bytes, at)) yield decodeRecord(bytes, at)
}
