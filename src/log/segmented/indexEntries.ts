/**
 * Entries of the two sparse indexes of a segment, big-endian, 16 bytes:
 *
 *   key u64 | value u32 | crc32c u32 over the 12 bytes before
 *
 *   .index      key = offset of a record              value = its position in the .log (30 bits) and marks
 *   .timeindex  key = timestamp of a record (ms)      value = its offset less the segment's base
 *
 * Marks of .index: bit 31 where the writer knew of lanes, bit 30 where a record in front of the entry's is not of
 * priority normal. They tell a segment that needs no `.laneindex` from one whose `.laneindex` is missing.
 *
 * Keys strictly increase; there is an entry for the first record that begins 4 KiB or more behind the last
 * one indexed (in .timeindex only where its time is younger). The record at position 0 needs none.
 *
 * Each entry carries its own checksum because the last valid one is a recovery point: entries are written
 * after the log was synced up to them, so below it nothing may be torn. An entry that a crash tore, or zeros
 * behind it, do not pass for one. Worked example: offset 57 at position 4130 of a segment is stored as
 * 0000000000000039 80001022 and their checksum.
 */
import { invariant } from '../../kernel/invariant.ts'
import { LIMITS } from '../../kernel/limits.ts'
import { crc32c } from '../../record/index.ts'

export const INDEX_INTERVAL_BYTES = 4096
export const ENTRY_BYTES = 16
const AT_VALUE = 8
const AT_CRC = 12

/** What an entry of `.index` says of the records in front of its own. */
export const MARK = { LANES_KNOWN: 0x8000_0000, MIXED: 0x4000_0000 } as const
const VALUE_BITS = 0x3fff_ffff
invariant(LIMITS.segmentBytesMax <= VALUE_BITS + 1, 'file positions leave room for the marks')

export interface IndexEntry {
  readonly key: number
  readonly value: number
  /** All records in front of it in the segment are normal, not all are; undefined where it does not say. */
  readonly mixed?: boolean | undefined
}

/** The entry at `at`. */
export const readEntry = (bytes: Buffer, at: number): IndexEntry => ({
  key: entryKey(bytes, at),
  value: entryValue(bytes, at),
  mixed: entryMixed(bytes, at),
})

/** `value` carries the marks. */
export function putEntry(bytes: Buffer, at: number, key: number, value: number): void {
  bytes.writeUInt32BE(Math.floor(key / 0x1_0000_0000), at)
  bytes.writeUInt32BE(key >>> 0, at + 4)
  bytes.writeUInt32BE(value, at + AT_VALUE)
  bytes.writeUInt32BE(crc32c(bytes, at, at + AT_CRC), at + AT_CRC)
}

export const entryKey = (bytes: Buffer, at: number): number =>
  bytes.readUInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4)

export const entryValue = (bytes: Buffer, at: number): number =>
  bytes.readUInt32BE(at + AT_VALUE) & VALUE_BITS

export function entryMixed(bytes: Buffer, at: number): boolean | undefined {
  const value = bytes.readUInt32BE(at + AT_VALUE)
  if ((value & MARK.LANES_KNOWN) === 0) return undefined
  return (value & MARK.MIXED) !== 0
}

export const isEntry = (bytes: Buffer, at: number): boolean =>
  bytes.readUInt32BE(at + AT_CRC) === crc32c(bytes, at, at + AT_CRC)

/** Byte position of the last entry whose key is at most `key`; -1 where there is none. Trusts the entries. */
export function floorEntry(bytes: Buffer, key: number): number {
  let low = 0
  let high = Math.floor(bytes.length / ENTRY_BYTES)
  while (low < high) {
    const middle = (low + high) >>> 1
    if (entryKey(bytes, middle * ENTRY_BYTES) <= key) low = middle + 1
    else high = middle
  }
  return (low - 1) * ENTRY_BYTES
}

/** The same by value, which increases with the key. */
export function floorEntryByValue(bytes: Buffer, value: number): number {
  let low = 0
  let high = Math.floor(bytes.length / ENTRY_BYTES)
  while (low < high) {
    const middle = (low + high) >>> 1
    if (entryValue(bytes, middle * ENTRY_BYTES) <= value) low = middle + 1
    else high = middle
  }
  return (low - 1) * ENTRY_BYTES
}

/** As {@link floorEntry}, but checks each entry it looks at; undefined where one is damaged. */
export function checkedFloorEntry(bytes: Buffer, key: number): number | undefined {
  let low = 0
  let high = Math.floor(bytes.length / ENTRY_BYTES)
  while (low < high) {
    const middle = (low + high) >>> 1
    const at = middle * ENTRY_BYTES
    if (!isEntry(bytes, at)) return undefined
    if (entryKey(bytes, at) <= key) low = middle + 1
    else high = middle
  }
  return (low - 1) * ENTRY_BYTES
}

/** Length in bytes of the valid, ascending entries that `bytes` begins with. */
export function validPrefix(bytes: Buffer): number {
  let at = 0
  let lastKey = -1
  let lastValue = -1
  for (; at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES) {
    const key = entryKey(bytes, at)
    const value = entryValue(bytes, at)
    if (key <= lastKey || value <= lastValue || !isEntry(bytes, at)) break
    lastKey = key
    lastValue = value
  }
  return at
}
