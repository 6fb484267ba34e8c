/** What every engine does to a batch as it takes it in. */
import { BrokerError } from '../kernel/errors.ts'
import { LIMITS } from '../kernel/limits.ts'
import type { TimestampMs } from '../kernel/units.ts'
import { HEADER_BYTES, type RecordBatch, recordLength, stampRecord } from '../record/index.ts'
import type { ReadLimit } from './port.ts'

/**
 * Throws CORRUPT_RECORD where `batch` is not so many whole records, BATCH_TOO_LARGE where it exceeds a limit.
 * Looks at lengths only.
 */
export function checkBatch(batch: RecordBatch): void {
  const { bytes, count } = batch
  if (bytes.length > LIMITS.batchBytesMax || count > LIMITS.batchRecordsMax) {
    throw new BrokerError('BATCH_TOO_LARGE', `batch of ${count} records, ${bytes.length} bytes`)
  }
  let at = 0
  let found = 0
  for (; at + HEADER_BYTES <= bytes.length; found += 1) at += recordLength(bytes, at)
  if (at === bytes.length && found === count && count > 0) return
  throw new BrokerError('CORRUPT_RECORD', `${bytes.length} bytes are not ${count} whole records`)
}

export interface BatchStamp {
  readonly baseOffset: number
  readonly timestampMs: number
}

/** Gives the records of a checked batch their offsets, time, chain and checksums. */
export function stampBatch(batch: RecordBatch, { baseOffset, timestampMs }: BatchStamp): void {
  const { bytes, count } = batch
  const stamp = { offset: baseOffset, timestampMs, more: true }
  let at = 0
  for (let left = count; left > 0; left -= 1) {
    const length = recordLength(bytes, at)
    stamp.more = left > 1
    stampRecord(bytes, at, length, stamp)
    stamp.offset += 1
    at += length
  }
}

/** Where to cut `bytes` (whole records) so that `limit` holds; the first record is always in. */
export function cutAt(bytes: Buffer, start: number, limit: ReadLimit): number {
  let at = start
  for (let left = limit.maxRecords; left > 0 && at < bytes.length; left -= 1) {
    const end = at + recordLength(bytes, at)
    if (end - start > limit.maxBytes && at > start) break
    at = end
  }
  return at
}

export interface Readable {
  readonly start: number
  readonly next: number
}

export function checkReadable(from: number, { start, next }: Readable): void {
  if (from >= start && from <= next) return
  throw new BrokerError('OFFSET_OUT_OF_RANGE', `offset ${from} is not in ${start} to ${next}`)
}

/** Time of the next batch: the clock's, but never before the one before. */
export const notBefore = (nowMs: number, lastMs: number): TimestampMs =>
  Math.max(nowMs, lastMs) as TimestampMs
