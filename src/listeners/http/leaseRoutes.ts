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
  leasePartHead,
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
    ask: (waitMs, caller) => broker.call('groups.poll', { ...input, waitMs }, caller),
    askAgain: () => (waitMs, caller) => broker.call('groups.poll', { ...input, waitMs }, caller),
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

function framesOf({ parts }: { readonly parts: readonly object[] }, group: string): Buffer {
  const buffers: Buffer[] = []
  for (const part of parts) {
    if (!isLeased(part))
      throw new BrokerError('GROUP_MODE_CONFLICT', `group ${group} is in mode offset`)
    buffers.push(leasePartHead(part), part.bytes)
  }
  return Buffer.concat(buffers)
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
  const told = outcomes.flatMap((outcome, i) => toTell(said[i] as SettleSaying, i, outcome))
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
  const { what: kind, topic, partition, nonce, from, to, timeMs, reason } = saying
  const deliveries = saying.deliveryCount
  return { kind, range: { group, topic, partition, from, to, deliveries, nonce }, timeMs, reason }
}

/** What the client does not know already: failures, and times. */
function toTell(saying: SettleSaying, at: number, outcome: RangeOutcome): SettleOutcome[] {
  const { from, to } = saying
  if (outcome.error !== undefined) {
    return [{ saying: at, error: ERRORS[outcome.error.code].wire, from, to, timeMs: 0 }]
  }
  const isTold = saying.what === 'nack' || saying.what === 'extend'
  return outcome.pieces
    .map((piece) => ({
      ...{ saying: at, from: piece.from, to: piece.to },
      ...{ error: wireCodeOf(piece), timeMs: piece.dueMs },
    }))
    .filter(({ error }) => isTold || error !== 0)
}

function wireCodeOf({ outcome }: Piece): number {
  if (outcome === 'lost') return ERRORS.LEASE_LOST.wire
  return outcome === 'unknown' ? ERRORS.RECEIPT_NOT_FOUND.wire : 0
}
