/**
 * What a delay log says of its messages: control records without a key, whose value is one of these. All integers are
 * big-endian.
 *
 *   cancel       1 u8 | offset u64
 *   reschedule   2 u8 | offset u64 | due u64
 *   delivered    3 u8 | through u64 | per range: first offset u64 | count u32
 *   expired      4 u8 | per range: first offset u64 | count u32
 *
 * `through`: every message delivered below this offset of the topic's partition is in this mark or an earlier one.
 */
import { BatchBuilder, type RecordBatch } from '../record/index.ts'

const KIND = { CANCEL: 1, RESCHEDULE: 2, DELIVERED: 3, EXPIRED: 4 } as const
const RANGE_BYTES = 12
/** Ranges of one record; what is more goes into the next. */
const RANGES_MAX = 10_000

/** First offset and count by turns. */
export type Ranges = readonly number[]

export type Control =
  | { readonly kind: 'cancel'; readonly offset: number }
  | { readonly kind: 'reschedule'; readonly offset: number; readonly dueMs: number }
  | { readonly kind: 'delivered'; readonly through: number; readonly ranges: Ranges }
  | { readonly kind: 'expired'; readonly ranges: Ranges }

const batchOfValue = (value: Buffer): RecordBatch => {
  const builder = new BatchBuilder(value.length * 3 + 64)
  builder.add({ value, control: true })
  return builder.take()
}

export function cancelBatch(offset: number): RecordBatch {
  const value = Buffer.alloc(9)
  value[0] = KIND.CANCEL
  put(value, 1, offset)
  return batchOfValue(value)
}

export function rescheduleBatch(offset: number, dueMs: number): RecordBatch {
  const value = Buffer.alloc(17)
  value[0] = KIND.RESCHEDULE
  put(value, 1, offset)
  put(value, 9, dueMs)
  return batchOfValue(value)
}

export interface Marks {
  readonly delivered: Ranges
  readonly expired: Ranges
  readonly through: number
}

/** One atomic batch of as many records as it takes. */
export function marksBatch({ delivered, expired, through }: Marks): RecordBatch {
  const builder = new BatchBuilder((delivered.length + expired.length) * 24 + 256)
  eachSlice(expired, (from, to) => {
    const value = Buffer.alloc(1 + ((to - from) / 2) * RANGE_BYTES)
    value[0] = KIND.EXPIRED
    putRanges(value, 1, expired.slice(from, to))
    builder.add({ value, control: true })
  })
  eachSlice(delivered, (from, to) => {
    const value = Buffer.alloc(9 + ((to - from) / 2) * RANGE_BYTES)
    value[0] = KIND.DELIVERED
    put(value, 1, to === delivered.length ? through : 0)
    putRanges(value, 9, delivered.slice(from, to))
    builder.add({ value, control: true })
  })
  return builder.take()
}

function eachSlice(ranges: Ranges, visit: (from: number, to: number) => void): void {
  for (let from = 0; from < ranges.length; from += 2 * RANGES_MAX) {
    visit(from, Math.min(ranges.length, from + 2 * RANGES_MAX))
  }
}

/** Undefined where the value is of no kind that is known here. */
export function decodeControl(value: Buffer): Control | undefined {
  switch (value[0]) {
    case KIND.CANCEL:
      return value.length === 9 ? { kind: 'cancel', offset: at(value, 1) } : undefined
    case KIND.RESCHEDULE:
      if (value.length !== 17) return undefined
      return { kind: 'reschedule', offset: at(value, 1), dueMs: at(value, 9) }
    case KIND.DELIVERED: {
      const ranges = rangesAt(value, 9)
      return ranges && { kind: 'delivered', through: at(value, 1), ranges }
    }
    case KIND.EXPIRED: {
      const ranges = rangesAt(value, 1)
      return ranges && { kind: 'expired', ranges }
    }
    default:
      return undefined
  }
}

/** The ranges that these offsets make; sorts them. */
export function rangesOf(offsets: number[]): Ranges {
  offsets.sort((a, b) => a - b)
  const ranges: number[] = []
  for (const offset of offsets) {
    const last = ranges.length - 2
    const end = (ranges[last] ?? 0) + (ranges[last + 1] ?? 0)
    if (ranges.length > 0 && offset === end) ranges[last + 1] = (ranges[last + 1] as number) + 1
    else if (ranges.length === 0 || offset > end) ranges.push(offset, 1)
  }
  return ranges
}

export function eachOffset(ranges: Ranges, visit: (offset: number) => void): void {
  for (let i = 0; i < ranges.length; i += 2) {
    const from = ranges[i] as number
    for (let offset = from; offset < from + (ranges[i + 1] as number); offset += 1) visit(offset)
  }
}

function rangesAt(value: Buffer, start: number): number[] | undefined {
  if (value.length < start || (value.length - start) % RANGE_BYTES !== 0) return undefined
  const ranges: number[] = []
  for (let p = start; p < value.length; p += RANGE_BYTES) {
    ranges.push(at(value, p), value.readUInt32BE(p + 8))
  }
  return ranges
}

function putRanges(value: Buffer, start: number, ranges: Ranges): void {
  for (let i = 0, p = start; i < ranges.length; i += 2, p += RANGE_BYTES) {
    put(value, p, ranges[i] as number)
    value.writeUInt32BE(ranges[i + 1] as number, p + 8)
  }
}

const put = (bytes: Buffer, p: number, value: number): void =>
  void bytes.writeBigUInt64BE(BigInt(value), p)

const at = (bytes: Buffer, p: number): number => Number(bytes.readBigUInt64BE(p))
