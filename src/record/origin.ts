/**
 * Delayed records, handled in place: where a record says until when it waits, and how it becomes the record that is
 * delivered. Nothing is decoded and encoded again: a record is copied whole, its origin filled in and the mark of its
 * producer, which counts in the log where it waited, left out.
 */
import { PRODUCER_BYTES, type RecordOrigin, SECTION } from './extension.ts'
import {
  AT_BODY_LENGTH,
  AT_FLAGS,
  FLAG,
  HEADER_BYTES,
  putU32,
  putU64,
  recordLength,
  u32,
  u64,
} from './layout.ts'

const SECTION_HEAD_BYTES = 4
const NONE = -1

/** Where the origin of the whole, well-formed record at `at` is written; -1 where it has none. */
export const originAt = (bytes: Buffer, at: number): number => sectionAt(bytes, at, SECTION.ORIGIN)

/** The partition in the origin at `place`. */
export const originPartition = (bytes: Buffer, place: number): number => u32(bytes, place)
/** The offset in the log where the record waited. */
export const originOffset = (bytes: Buffer, place: number): number => u64(bytes, place + 4)
/** The time it waits for, in milliseconds since 1970. */
export const originDueMs = (bytes: Buffer, place: number): number => u64(bytes, place + 12)

export function putOrigin(bytes: Buffer, place: number, origin: RecordOrigin): void {
  putU32(bytes, place, origin.partition)
  putU64(bytes, place + 4, origin.offset)
  putU64(bytes, place + 12, origin.dueMs)
}

/** Bytes that {@link copyDelivered} writes of the record at `at`. */
export function deliveredLength(bytes: Buffer, at: number): number {
  const length = recordLength(bytes, at)
  const producer = sectionAt(bytes, at, SECTION.PRODUCER)
  return producer === NONE ? length : length - SECTION_HEAD_BYTES - PRODUCER_BYTES
}

/** Copies the record at `at`, which has an origin, to `to[toAt]` as one to be appended; its length. */
export function copyDelivered(
  bytes: Buffer,
  at: number,
  to: Buffer,
  { toAt, origin }: { readonly toAt: number; readonly origin: RecordOrigin },
): number {
  const length = recordLength(bytes, at)
  const producer = sectionAt(bytes, at, SECTION.PRODUCER)
  if (producer === NONE) {
    bytes.copy(to, toAt, at, at + length)
    putOrigin(to, originAt(to, toAt), origin)
    return length
  }
  const cut = SECTION_HEAD_BYTES + PRODUCER_BYTES
  const from = producer - SECTION_HEAD_BYTES
  bytes.copy(to, toAt, at, from)
  bytes.copy(to, toAt + from - at, from + cut, at + length)
  for (const counter of [AT_BODY_LENGTH, HEADER_BYTES]) {
    putU32(to, toAt + counter, u32(to, toAt + counter) - cut)
  }
  putOrigin(to, originAt(to, toAt), origin)
  return length - cut
}

function sectionAt(bytes: Buffer, at: number, type: number): number {
  if (((bytes[at + AT_FLAGS] as number) & FLAG.EXTENSION) === 0) return NONE
  let p = at + HEADER_BYTES + 4
  const end = p + u32(bytes, at + HEADER_BYTES)
  while (p < end) {
    const head = u32(bytes, p)
    if (head >>> 24 === type) return p + SECTION_HEAD_BYTES
    p += SECTION_HEAD_BYTES + (head & 0xff_ffff)
  }
  return NONE
}
