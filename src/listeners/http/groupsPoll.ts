/** Polls of a group's member, as JSON. */
import type { FastifyReply } from 'fastify'
import { JSON_TYPE } from '../../api/index.ts'
import {
  type Delivered,
  type DeliveredPart,
  nonceText,
  type Operations,
  type Polled,
  type PolledPart,
} from '../../broker/index.ts'
import { LIMITS } from '../../kernel/limits.ts'
import { HOUR_MS, SECOND_MS } from '../../kernel/units.ts'
import { groupOf, Query } from './query.ts'
import { addToPage, beginPage, deliveryText, endPage, type JsonPage } from './read/jsonRecords.ts'
import { sendPage } from './read/sendPage.ts'
import type { Request, RouteContext } from './routes.ts'
import type { Traffic } from './traffic.ts'

type PollInput = Operations['groups.poll']['input']
type PollOutput = Operations['groups.poll']['output']

type Page = Polled | Delivered

const DEFAULT_MESSAGES = 100
const DEFAULT_BYTES = LIMITS.readBytesMax / 4
const DEFAULT_TIMEOUT_MS = 30 * SECOND_MS
const NO_MESSAGES = Buffer.from('{"messages":[],"rebalance_required":false}')
const REBALANCE = Buffer.from('{"messages":[],"rebalance_required":true}')
const NONCE_MAX = 0x1_0000_0000
export const VISIBILITY_MS_MAX = 12 * HOUR_MS

/** Throws INVALID_REQUEST with `fields`. */
function pollOf(given: unknown, group: string, traffic: Traffic): PollInput {
  const query = new Query(given)
  const memberId = query.text('member_id')
  if (memberId === undefined) query.refuse('member_id', 'is required')
  const messages = { min: 1, max: LIMITS.readMessagesMax }
  const maxMessages = query.integer('max_messages', messages) ?? query.integer('limit', messages)
  const maxBytes = query.integer('max_bytes', { min: 1, max: DEFAULT_BYTES }) ?? DEFAULT_BYTES
  const input: PollInput = {
    group,
    memberId: memberId ?? '',
    maxMessages: maxMessages ?? DEFAULT_MESSAGES,
    maxBytes: traffic.grant(maxBytes),
    waitMs: query.durationMs('timeout', LIMITS.longPollMsMax) ?? DEFAULT_TIMEOUT_MS,
    generation: query.integer('generation', { min: 0, max: Number.MAX_SAFE_INTEGER }),
    autoCommit: query.boolean('auto_commit') ?? false,
    visibilityMs: query.durationMs('visibility_timeout', VISIBILITY_MS_MAX),
  }
  query.throwIfAny()
  return input
}

export async function pollGroup(
  { broker, traffic, polls, platform }: RouteContext,
  request: Request,
  reply: FastifyReply,
): Promise<void> {
  const input = pollOf(request.query, groupOf(request.params), traffic)
  const read = await polls.read<PollOutput>(request, {
    waitMs: input.waitMs,
    isEmpty: (answer) => !answer.rebalance && answer.value.parts.length === 0,
    ask: (wait, caller) => broker.call('groups.poll', { ...input, waitMs: wait }, caller),
    askAgain: () => (wait, caller) =>
      // What the member had before this request is committed by now.
      broker.call('groups.poll', { ...input, waitMs: wait, autoCommit: false }, caller),
  })
  if (read.rebalance || read.value.parts.length === 0) {
    reply.header('content-type', JSON_TYPE)
    reply.send(read.rebalance ? REBALANCE : NO_MESSAGES)
    return
  }
  const { value } = read
  onUndelivered(reply, () => value.putBack())
  try {
    const nonce = Math.floor(platform.random() * NONCE_MAX)
    sendPage(reply, traffic, pageOf(value, input.group, nonce))
  } catch (error) {
    value.putBack()
    throw error
  }
}

/** A client that was gone before the reply was out never had the records. */
export function onUndelivered({ raw }: FastifyReply, undo: () => void): void {
  const { socket } = raw
  let delivered = false
  // Of a socket that broke, too, the response says in the end that it is finished.
  raw.once('finish', () => {
    delivered = socket?.destroyed === false
  })
  raw.once('close', () => {
    if (!delivered) undo()
  })
}

/** `nonce`: of reads by offset, which are no leases and whose receipts are only there because every message has one. */
function pageOf({ parts, putBack }: Page, group: string, nonce: number): JsonPage {
  beginPage()
  const reached = parts.map((part) =>
    addToPage({ delivery: delivery(part, group, nonce), ...part }),
  )
  // What the page had no room for is handed out again.
  if (parts.some(({ nextOffset }, i) => reached[i] !== nextOffset)) putBack(reached)
  return endPage('],"rebalance_required":false}')
}

/** `group:topic:partition:offset:deliveryCount:nonce`; none of the names holds a colon or needs an escape. */
function delivery(part: PolledPart | DeliveredPart, group: string, ownNonce: number) {
  const { topic, partition } = part
  const [count, nonce] = 'nonce' in part ? [part.deliveryCount, part.nonce] : [1, ownNonce]
  return deliveryText({
    open: `{"topic":"${topic}","partition":${partition}`,
    receipt: `,"receipt_handle":"${group}:${topic}:${partition}:`,
    rest: `:${count}:${nonceText(nonce)}","delivery_count":${count}`,
  })
}
