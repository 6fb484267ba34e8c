/** The 32 bytes in front of a record, for who encodes or reads key and value in place. */
import { LIMITS } from '../kernel/limits.ts'
import type { Priority } from '../kernel/priority.ts'
import {
  AT_BODY_LENGTH,
  AT_FLAGS,
  AT_KEY_LENGTH,
  AT_PRIORITY,
  AT_VERSION,
  FLAG,
  HEADER_BYTES,
  MAGIC,
  putU16,
  putU32,
  u16,
  VERSION,
} from './layout.ts'

export interface RecordHead {
  priority: Priority
  keyBytes: number
  valueBytes: number
  nullValue: boolean
}

/** Whether a record without an extension block fits the format's limits. */
export const headFits = ({ keyBytes, valueBytes }: RecordHead): boolean =>
  keyBytes <= LIMITS.keyBytesMax && HEADER_BYTES + keyBytes + valueBytes <= LIMITS.recordBytesMax

/** Writes the head of an unstamped record without an extension block, for which {@link headFits}, at `at`. */
export function putRecordHead(bytes: Uint8Array, at: number, head: RecordHead): void {
  putU16(bytes, at, MAGIC)
  bytes[at + AT_VERSION] = VERSION
  bytes[at + AT_FLAGS] = head.nullValue ? FLAG.NULL_VALUE : 0
  // What a log stamps stays zero until then. A loop: Buffer.fill costs 60 ns for these 22 bytes, this 20.
  for (let i = at + AT_FLAGS + 1; i < at + AT_KEY_LENGTH; i += 1) bytes[i] = 0
  bytes[at + AT_PRIORITY] = head.priority
  putU16(bytes, at + AT_KEY_LENGTH, head.keyBytes)
  putU32(bytes, at + AT_BODY_LENGTH, head.valueBytes)
}

/** Length in bytes of the key of the record at `at`; 0 where it has none. */
export const recordKeyBytes = (bytes: Uint8Array, at: number): number =>
  u16(bytes, at + AT_KEY_LENGTH)
