/** Where the parts of a whole, well-formed record lie: for readers that look at one part and leave the others alone. */
import { decodeExtension, type RecordHeaders } from './extension.ts'
import { AT_FLAGS, AT_KEY_LENGTH, FLAG, HEADER_BYTES, u16, u32 } from './layout.ts'

const hasFlag = (bytes: Buffer, at: number, flag: number): boolean =>
  ((bytes[at + AT_FLAGS] as number) & flag) !== 0

/** Where the key begins; it ends where the value begins. */
export function recordKeyStart(bytes: Buffer, at: number): number {
  const body = at + HEADER_BYTES
  return hasFlag(bytes, at, FLAG.EXTENSION) ? body + 4 + u32(bytes, body) : body
}

/** Where the value begins; it ends with the record. */
export const recordValueStart = (bytes: Buffer, at: number): number =>
  recordKeyStart(bytes, at) + u16(bytes, at + AT_KEY_LENGTH)

/** True where the value is null: a tombstone. */
export const isTombstone = (bytes: Buffer, at: number): boolean =>
  hasFlag(bytes, at, FLAG.NULL_VALUE)

/** True for a record of the broker's own, which readers of messages are not shown. */
export const isControl = (bytes: Buffer, at: number): boolean => hasFlag(bytes, at, FLAG.CONTROL)

/** Undefined where it has none. */
export function recordHeaders(bytes: Buffer, at: number): RecordHeaders | undefined {
  if (!hasFlag(bytes, at, FLAG.EXTENSION)) return undefined
  return decodeExtension(bytes, at + HEADER_BYTES).headers
}
