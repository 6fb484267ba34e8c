/**
 * Deliveries in raw form, beside the JSON one: a lease batch is records as stored with one nonce, what is said of them
 * is ranges of offsets. The receipts are the same: `group:topic:partition:offset:deliveryCount:nonce` of each record.
 * All integers are big-endian.
 *
 * The reply of `POST /groups/{g}/lease`: parts back to back, none where nothing came until the timeout.
 *
 *    0  topic length    u8
 *    1  lane            u8    the priority of all of its records
 *    2  partition       u32
 *    6  nonce           u32   one for the whole reply
 *   10  delivery count  u32
 *   14  offset          u64   of the first record
 *   22  to              u64   the first offset behind its last record
 *   30  count           u32   of records; fewer than lie between where records of other lanes do
 *   34  deadline        u64   milliseconds since 1970
 *   42  bytes length    u32
 *   46  topic, bytes          whole records exactly as stored, ascending
 *
 * The body of `POST /groups/{g}/settle`: sayings back to back.
 *
 *    0  what            u8    1 ack, 2 nack, 3 reject, 4 extend, 5 give back (that hand-out is not counted)
 *    1  topic length    u8
 *    2  partition       u32
 *    6  nonce           u32
 *   10  delivery count  u32
 *   14  from            u64
 *   22  to              u64   the first offset that is not in it
 *   30  time            u32   milliseconds; nack: until it comes back (ffffffff as the policy says); extend: from now
 *   34  reason length   u16
 *   36  lane            u8    only records of this lane are meant, and the range may be of any length; ff: each record
 *   37  reserved        u8
 *   38  topic, reason         UTF-8
 *
 * Its reply: outcomes back to back, of all that is not plainly done. No byte at all: everything is as was said.
 *
 *    0  saying          u32   which of the request
 *    4  error           i32   0, or the wire code of an error (934 LEASE_LOST, 933 RECEIPT_NOT_FOUND, …)
 *    8  from            u64
 *   16  to              u64
 *   24  time            u64   nack: when it comes back, 0 for a dead letter; extend: the new deadline
 *
 * An outcome of a lane may reach over offsets between its records; it speaks of those of the lane alone.
 */
import { type Static, Type } from 'typebox'
import { LIMITS } from '../kernel/limits.ts'
import { LANES } from '../kernel/priority.ts'

export const LEASE_TYPE = 'application/vnd.goqueue.lease'
export const SETTLE_TYPE = 'application/vnd.goqueue.settle'
const LEASE_PART_HEAD_BYTES = 46
const SAYING_HEAD_BYTES = 38
const OUTCOME_BYTES = 32
const AS_POLICY_SAYS = 0xffff_ffff
const ANY_LANE = 0xff

export const LeaseBody = Type.Object({
  member_id: Type.String({ minLength: 1 }),
  generation: Type.Optional(Type.Integer({ minimum: 0 })),
  max_messages: Type.Optional(
    Type.Integer({ minimum: 1, maximum: LIMITS.readMessagesMax, default: 100 }),
  ),
  max_bytes: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: LIMITS.readBytesMax,
      default: LIMITS.readBytesMax / 4,
      description: 'of records; one record is returned even where it is larger',
    }),
  ),
  timeout: Type.Optional(Type.Union([Type.String(), Type.Number({ minimum: 0 })], { default: 0 })),
  visibility_timeout: Type.Optional(
    Type.Union([Type.String(), Type.Number({ minimum: 0 })], { description: 'at most 12 h' }),
  ),
})
export type LeaseBody = Static<typeof LeaseBody>

export interface LeasePart {
  readonly topic: string
  readonly partition: number
  readonly nonce: number
  readonly deliveryCount: number
  /** The priority of its records. */
  readonly lane: number
  /** Of the first record. */
  readonly offset: number
  /** Behind the last one. */
  readonly nextOffset: number
  /** Fewer than lie between where records of other lanes do. */
  readonly count: number
  readonly deadlineMs: number
  /** Whole records. */
  readonly bytes: Buffer
}

export const leasePartBytes = ({ topic, bytes }: LeasePart): number =>
  LEASE_PART_HEAD_BYTES + topic.length + bytes.length

/** Writes a part at `at` of `into`; where it ends. */
export function putLeasePart(into: Buffer, at: number, part: LeasePart): number {
  const { topic, bytes } = part
  into[at] = topic.length
  into[at + 1] = part.lane
  into.writeUInt32BE(part.partition, at + 2)
  into.writeUInt32BE(part.nonce, at + 6)
  into.writeUInt32BE(part.deliveryCount, at + 10)
  writeU64(into, part.offset, at + 14)
  writeU64(into, part.nextOffset, at + 22)
  into.writeUInt32BE(part.count, at + 30)
  writeU64(into, part.deadlineMs, at + 34)
  into.writeUInt32BE(bytes.length, at + 42)
  into.write(topic, at + LEASE_PART_HEAD_BYTES, 'latin1')
  into.set(bytes, at + LEASE_PART_HEAD_BYTES + topic.length)
  return at + leasePartBytes(part)
}

/** The parts of a reply; their bytes are views into it. Throws a RangeError where it is cut off. */
export function decodeLeaseParts(body: Buffer): LeasePart[] {
  const parts: LeasePart[] = []
  for (let at = 0; at < body.length; ) {
    const topicEnd = at + LEASE_PART_HEAD_BYTES + body.readUInt8(at)
    const end = topicEnd + body.readUInt32BE(at + 42)
    if (end > body.length) throw new RangeError('a part of the lease is cut off')
    parts.push({
      topic: body.toString('latin1', at + LEASE_PART_HEAD_BYTES, topicEnd),
      lane: body.readUInt8(at + 1),
      partition: body.readUInt32BE(at + 2),
      nonce: body.readUInt32BE(at + 6),
      deliveryCount: body.readUInt32BE(at + 10),
      offset: readU64(body, at + 14),
      nextOffset: readU64(body, at + 22),
      count: body.readUInt32BE(at + 30),
      deadlineMs: readU64(body, at + 34),
      bytes: body.subarray(topicEnd, end),
    })
    at = end
  }
  return parts
}

const SETTLE_WHAT = { ack: 1, nack: 2, reject: 3, extend: 4, giveBack: 5 } as const
export type SettleWhat = keyof typeof SETTLE_WHAT

export interface SettleSaying {
  readonly what: SettleWhat
  readonly topic: string
  readonly partition: number
  readonly nonce: number
  readonly deliveryCount: number
  /** Only records of this lane are meant; undefined: each in the range. */
  readonly lane?: number | undefined
  readonly from: number
  /** The first offset that is not in it. */
  readonly to: number
  /** nack: undefined is as the policy says; extend: from now. */
  readonly timeMs?: number | undefined
  readonly reason?: string | undefined
}

export function encodeSettle(sayings: readonly SettleSaying[]): Buffer {
  const reasons = sayings.map(({ reason }) => (reason ? Buffer.from(reason) : undefined))
  let length = 0
  for (const [i, { topic }] of sayings.entries()) {
    length += SAYING_HEAD_BYTES + topic.length + (reasons[i]?.length ?? 0)
  }
  const bytes = Buffer.allocUnsafe(length)
  let at = 0
  for (const [i, saying] of sayings.entries()) at = putSaying(bytes, at, saying, reasons[i])
  return bytes
}

function putSaying(
  into: Buffer,
  at: number,
  saying: SettleSaying,
  reason: Buffer | undefined,
): number {
  into[at] = SETTLE_WHAT[saying.what]
  into[at + 1] = saying.topic.length
  into.writeUInt32BE(saying.partition, at + 2)
  into.writeUInt32BE(saying.nonce, at + 6)
  into.writeUInt32BE(saying.deliveryCount, at + 10)
  writeU64(into, saying.from, at + 14)
  writeU64(into, saying.to, at + 22)
  into.writeUInt32BE(saying.timeMs ?? AS_POLICY_SAYS, at + 30)
  into.writeUInt16BE(reason?.length ?? 0, at + 34)
  into[at + 36] = saying.lane ?? ANY_LANE
  into[at + 37] = 0
  into.write(saying.topic, at + SAYING_HEAD_BYTES, 'latin1')
  const reasonAt = at + SAYING_HEAD_BYTES + saying.topic.length
  if (reason !== undefined) into.set(reason, reasonAt)
  return reasonAt + (reason?.length ?? 0)
}

const WHATS = new Map(
  Object.entries(SETTLE_WHAT).map(([what, code]) => [code as number, what as SettleWhat]),
)

/** Throws a RangeError where the body is not sayings. */
export function decodeSettle(body: Buffer): SettleSaying[] {
  const sayings: SettleSaying[] = []
  for (let at = 0; at < body.length; ) {
    const what = WHATS.get(body.readUInt8(at))
    if (what === undefined) throw new RangeError(`saying ${sayings.length} says nothing known`)
    const topicEnd = at + SAYING_HEAD_BYTES + body.readUInt8(at + 1)
    const end = topicEnd + body.readUInt16BE(at + 34)
    if (end > body.length) throw new RangeError(`saying ${sayings.length} is cut off`)
    const [from, to] = [readU64(body, at + 14), readU64(body, at + 22)]
    if (!(from < to)) throw new RangeError(`saying ${sayings.length} is of no record`)
    const timeMs = body.readUInt32BE(at + 30)
    sayings.push({
      what,
      topic: body.toString('latin1', at + SAYING_HEAD_BYTES, topicEnd),
      partition: body.readUInt32BE(at + 2),
      nonce: body.readUInt32BE(at + 6),
      deliveryCount: body.readUInt32BE(at + 10),
      lane: laneOf(body.readUInt8(at + 36)),
      ...{ from, to },
      timeMs: timeMs === AS_POLICY_SAYS ? undefined : timeMs,
      reason: topicEnd === end ? undefined : body.toString('utf8', topicEnd, end),
    })
    at = end
  }
  return sayings
}

/** Undefined for any. */
function laneOf(byte: number): number | undefined {
  if (byte === ANY_LANE) return undefined
  if (byte < LANES) return byte
  throw new RangeError(`${byte} is no lane`)
}

export interface SettleOutcome {
  /** Which saying of the request. */
  readonly saying: number
  /** 0, or the wire code of an error. */
  readonly error: number
  readonly from: number
  readonly to: number
  /** nack: when it comes back, 0 for a dead letter; extend: the new deadline. */
  readonly timeMs: number
}

export function encodeOutcomes(outcomes: readonly SettleOutcome[]): Buffer {
  const bytes = Buffer.allocUnsafe(outcomes.length * OUTCOME_BYTES)
  let at = 0
  for (const { saying, error, from, to, timeMs } of outcomes) {
    bytes.writeUInt32BE(saying, at)
    bytes.writeInt32BE(error, at + 4)
    writeU64(bytes, from, at + 8)
    writeU64(bytes, to, at + 16)
    writeU64(bytes, timeMs, at + 24)
    at += OUTCOME_BYTES
  }
  return bytes
}

export function decodeOutcomes(body: Buffer): SettleOutcome[] {
  const outcomes: SettleOutcome[] = []
  for (let at = 0; at < body.length; at += OUTCOME_BYTES) {
    outcomes.push({
      saying: body.readUInt32BE(at),
      error: body.readInt32BE(at + 4),
      from: readU64(body, at + 8),
      to: readU64(body, at + 16),
      timeMs: readU64(body, at + 24),
    })
  }
  return outcomes
}

const TWO_32 = 0x1_0000_0000

function writeU64(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32BE(Math.floor(value / TWO_32), at)
  bytes.writeUInt32BE(value % TWO_32, at + 4)
}

function readU64(bytes: Buffer, at: number): number {
  const value = bytes.readUInt32BE(at) * TWO_32 + bytes.readUInt32BE(at + 4)
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no safe integer`)
  return value
}
