/**
 * Reading many partitions with one request: JSON in, frames out.
 *
 * The reply is frames back to back, one for each read that has something to say; no frame at all is nothing within
 * the timeout. All integers are big-endian.
 *
 *    0  read index      u32   which of the reads of the request
 *    4  error           i32   0, or the wire code of an error; there are no bytes then
 *    8  next offset     u64   where to go on; with OFFSET_OUT_OF_RANGE (1) the earliest offset
 *   16  high watermark  u64   the next offset to be written; 0 with any other error
 *   24  length          u32   of the bytes
 *   28  bytes                 whole records exactly as stored
 */
import { type Static, Type } from 'typebox'
import { LIMITS } from '../kernel/limits.ts'
import { OffsetNumber, PartitionId } from './formats.ts'

export const FETCH_TYPE = 'application/vnd.goqueue.fetch'
/** `1` on the reply to a group's fetch: the member joins again with its member id; there are no frames. */
export const HEADER_REBALANCE = 'x-goqueue-rebalance'
const FETCH_FRAME_HEAD_BYTES = 28

const Reads = Type.Array(
  Type.Object({ topic: Type.String(), partition: PartitionId, offset: OffsetNumber }),
  { minItems: 1, maxItems: LIMITS.fetchReadsMax },
)

const Limits = {
  max_bytes: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: LIMITS.readBytesMax,
      default: LIMITS.readBytesMax / 16,
      description: 'of records; one record is returned even where it is larger',
    }),
  ),
  timeout: Type.Optional(
    Type.Union([Type.String(), Type.Number({ minimum: 0 })], {
      default: 0,
      description: `a duration up to ${LIMITS.longPollMsMax} ms: wait for the first record`,
    }),
  ),
}

export const FetchBody = Type.Object({ reads: Reads, ...Limits })
export type FetchBody = Static<typeof FetchBody>

export const GroupFetchBody = Type.Object({
  member_id: Type.String({ minLength: 1 }),
  generation: Type.Integer({ minimum: 0 }),
  // A member without partitions waits for a rebalance.
  reads: Type.Array(Reads.items, { maxItems: LIMITS.fetchReadsMax }),
  ...Limits,
})
export type GroupFetchBody = Static<typeof GroupFetchBody>

export interface FetchFrame {
  /** Of the read in the request. */
  readonly index: number
  /** 0, or the wire code of an error. */
  readonly error: number
  readonly nextOffset: number
  readonly highWatermark: number
  /** Whole records; a view into the reply. */
  readonly bytes: Buffer
}

/** The head of a frame; its bytes follow. */
export function fetchFrameHead(frame: Omit<FetchFrame, 'bytes'>, length: number): Buffer {
  const head = Buffer.allocUnsafe(FETCH_FRAME_HEAD_BYTES)
  head.writeUInt32BE(frame.index, 0)
  head.writeInt32BE(frame.error, 4)
  head.writeBigUInt64BE(BigInt(frame.nextOffset), 8)
  head.writeBigUInt64BE(BigInt(frame.highWatermark), 16)
  head.writeUInt32BE(length, 24)
  return head
}

/** The frames of a reply. Throws a RangeError where it is cut off in the middle of one. */
export function decodeFetchFrames(body: Buffer): FetchFrame[] {
  const frames: FetchFrame[] = []
  for (let at = 0; at < body.length; ) {
    const start = at + FETCH_FRAME_HEAD_BYTES
    const end = start + body.readUInt32BE(at + 24)
    if (end > body.length) throw new RangeError('a frame of the fetch is cut off')
    frames.push({
      index: body.readUInt32BE(at),
      error: body.readInt32BE(at + 4),
      nextOffset: Number(body.readBigUInt64BE(at + 8)),
      highWatermark: Number(body.readBigUInt64BE(at + 16)),
      bytes: body.subarray(start, end),
    })
    at = end
  }
  return frames
}
