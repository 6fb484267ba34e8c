/** Deliveries in raw form: leases out, ranges of offsets in. For clients that handle many messages. */
import type { FastifyReply } from 'fastify'
import {
  checkerOf,
  decodeSettle,
  encodeOutcomes,
  HEADER_REBALANCE,
  invalid,
  LEASE_TYPE,
  LeaseBody,
  leasePartBytes,
  putLeasePart,
  RECEIPTS_MAX,
  SETTLE_TYPE,
  type SettleOutcome,
  type SettleSaying,
} from '../../api/index.ts'
import type { Delivered, Operations, Piece, RangeOutcome, Saying } from '../../broker/index.ts'
import { BrokerError, ERRORS } from '../../kernel/errors.ts'
import { LIMITS } from '../../kernel/limits.ts'
import { callerOf } from './caller.ts'
import { durationOf } from './durations.ts'
import { onUndelivered, VISIBILITY_MS_MAX } from './groupsPoll.ts'
import { bodyText, parseJson } from './json.ts'
import { groupOf } from './query.ts'
import type { Request, RouteContext, Routes } from './routes.ts'

const checkLease = checkerOf('the request', LeaseBody)
const DEFAULT_MESSAGES = 100
const DEFAULT_BYTES = LIMITS.readBytesMax / 4
const NO_BYTES = Buffer.alloc(0)

export const leaseRoute = (context: RouteContext): Routes => ({
  'POST groupLease': (request, reply) => lease(context, request, reply),
})

export const settleRoute = (context: RouteContext): Routes => ({
  'POST groupSettle': (request, reply) => settle(context, request, reply),
})

type PollOutput = Operations['groups.poll']['output']

async function lease(
  { broker, traffic, polls }: RouteContext,
  request: Request,
  reply: FastifyReply,
): Promise<void> {
  const body = checkLease(parseJson(bodyText(request.body)))
  const group = groupOf(request.params)
  const input = {
    group,
    memberId: body.member_id,
    generation: body.generation,
    maxMessages: body.max_messages ?? DEFAULT_MESSAGES,
    maxBytes: traffic.grant(body.max_bytes ?? DEFAULT_BYTES),
    visibilityMs: durationOf('visibility_timeout', body.visibility_timeout, VISIBILITY_MS_MAX),
    autoCommit: false,
  }
  const read = await polls.read<PollOutput>(request, {
    waitMs: durationOf('timeout', body.timeout, LIMITS.longPollMsMax) ?? 0,
    isEmpty: (answer) => !answer.rebalance && answer.value.parts.length === 0,
    ask: (waitMs, caller) => broker.call('groups.poll', { waitMs, ...input }, caller),
    askAgain: () => (waitMs, caller) => broker.call('groups.poll', { waitMs, ...input }, caller),
  })
  if (read.rebalance) reply.header(HEADER_REBALANCE, '1')
  reply.header('content-type', LEASE_TYPE)
  if (read.rebalance || read.value.parts.length === 0) {
    reply.send(NO_BYTES)
    return
  }
  const { value } = read
  onUndelivered(reply, () => value.putBack())
  try {
    const bytes = framesOf(value, group)
    traffic.hold(request.flight, bytes.length)
    reply.send(bytes)
  } catch (error) {
    value.putBack()
    throw error
  }
}

/** In one piece: there may be as many parts as records. */
function framesOf({ parts }: { readonly parts: readonly object[] }, group: string): Buffer {
  let length = 0
  for (const part of parts) {
    if (!isLeased(part))
      throw new BrokerError('GROUP_MODE_CONFLICT', `group ${group} is in mode offset`)
    length += leasePartBytes(part)
  }
  const frames = Buffer.allocUnsafe(length)
  let at = 0
  for (const part of parts) if (isLeased(part)) at = putLeasePart(frames, at, part)
  return frames
}

const isLeased = (part: object): part is Delivered['parts'][number] => 'nonce' in part

async function settle(
  { broker }: RouteContext,
  request: Request,
  reply: FastifyReply,
): Promise<void> {
  const group = groupOf(request.params)
  const said = sayingsOf(request.body)
  const sayings = said.map((saying) => inBrokerWords(group, saying))
  const outcomes = await broker.call('messages.say', { sayings }, callerOf(request))
  const told: SettleOutcome[] = []
  for (const [i, outcome] of outcomes.entries()) tell(told, said[i] as SettleSaying, i, outcome)
  reply
    .header('content-type', SETTLE_TYPE)
    .send(told.length === 0 ? NO_BYTES : encodeOutcomes(told))
}

function sayingsOf(body: unknown): readonly SettleSaying[] {
  try {
    const sayings = decodeSettle(Buffer.isBuffer(body) ? body : NO_BYTES)
    if (sayings.length <= RECEIPTS_MAX) return sayings
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw invalid('the request', { body: error.message })
  }
  throw invalid('the request', { body: `must be at most ${RECEIPTS_MAX} sayings` })
}

const inBrokerWords = (group: string, saying: SettleSaying): Saying => {
  const { what: kind, topic, partition, nonce, lane, from, to, timeMs, reason } = saying
  const deliveries = saying.deliveryCount
  const range = { group, topic, partition, lane, from, to, deliveries, nonce }
  return { kind, range, timeMs, reason }
}

/** What the client does not know already: failures, and times. */
function tell(told: SettleOutcome[], said: SettleSaying, saying: number, outcome: RangeOutcome) {
  if (outcome.error !== undefined) {
    const error = ERRORS[outcome.error.code].wire
    told.push({ saying, error, from: said.from, to: said.to, timeMs: 0 })
    return
  }
  const isTold = said.what === 'nack' || said.what === 'extend'
  for (const piece of outcome.pieces) {
    const error = wireCodeOf(piece)
    const { from, to, dueMs: timeMs } = piece
    if (isTold || error !== 0) told.push({ saying, error, from, to, timeMs })
  }
}

function wireCodeOf({ outcome }: Piece): number {
  if (outcome === 'lost') return ERRORS.LEASE_LOST.wire
  return outcome === 'unknown' ? ERRORS.RECEIPT_NOT_FOUND.wire : 0
}
