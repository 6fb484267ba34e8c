/**
 * Acks, nacks, rejections and extensions: one receipt, answered with what became of it or with the error, or many, each
 * answered in a list. Neighbours of one hand-out go to the broker as one range: a batch of 100 is mostly one.
 */
import type { FastifyReply } from 'fastify'
import {
  AckBody,
  checkerOf,
  formatTime,
  invalid,
  JSON_TYPE,
  NackBody,
  RejectBody,
  VisibilityBody,
} from '../../api/index.ts'
import {
  deadLetterTopicOf,
  type Piece,
  parseReceipt,
  type RangeOutcome,
  type ReceiptRange,
  type Saying,
} from '../../broker/index.ts'
import { BrokerError, type ErrorCode } from '../../kernel/errors.ts'
import { DAY_MS, HOUR_MS } from '../../kernel/units.ts'
import { callerOf } from './caller.ts'
import { durationOf } from './durations.ts'
import { bodyText, parseJson } from './json.ts'
import type { Request, RouteContext, Routes } from './routes.ts'

const checkAck = checkerOf('the request', AckBody)
const checkNack = checkerOf('the request', NackBody)
const checkReject = checkerOf('the request', RejectBody)
const checkVisibility = checkerOf('the request', VisibilityBody)

const DELAY_MS_MAX = 7 * DAY_MS
const TIMEOUT_MS_MAX = 12 * HOUR_MS

export function receiptRoutes(context: RouteContext): Routes {
  return {
    'POST ack': (request, reply) => {
      const sole = soleReceipt(request.body)
      if (sole !== undefined) return ackSole(context, request, reply, sole)
      const receipts = new Receipts(checkAck(bodyOf(request)))
      return say(context, request, reply, { receipts, kind: 'ack', words: ACK })
    },
    'POST nack': (request, reply) => {
      const { delay, reason, ...given } = checkNack(bodyOf(request))
      const timeMs = durationOf('delay', delay, DELAY_MS_MAX)
      const receipts = new Receipts(given)
      return say(context, request, reply, { receipts, kind: 'nack', words: NACK, timeMs, reason })
    },
    'POST reject': (request, reply) => {
      const { reason, ...given } = checkReject(bodyOf(request))
      const receipts = new Receipts(given)
      return say(context, request, reply, { receipts, kind: 'reject', words: REJECT, reason })
    },
    'POST visibility': (request, reply) => {
      const { timeout, ...given } = checkVisibility(bodyOf(request))
      const timeMs = durationOf('timeout', timeout, TIMEOUT_MS_MAX)
      const receipts = new Receipts(given)
      return say(context, request, reply, { receipts, kind: 'extend', words: EXTEND, timeMs })
    },
  }
}

interface Speech extends Pick<Saying, 'kind' | 'timeMs' | 'reason'> {
  readonly receipts: Receipts
  readonly words: Words
}

async function say(
  { broker }: RouteContext,
  request: Request,
  reply: FastifyReply,
  { receipts, words, kind, timeMs, reason }: Speech,
): Promise<void> {
  const sayings = receipts.ranges.map((range) => ({ kind, range, timeMs, reason }))
  receipts.answer(reply, await broker.call('messages.say', { sayings }, callerOf(request)), words)
}

interface SoleReceipt {
  readonly handle: string
  readonly range: ReceiptRange
}

const SOLE_OPEN = '{"receipt_handle":"'
const SOLE_CLOSE = '"}'
/** No longer receipt is one, and no longer body is looked at. */
const SOLE_CHARS_MAX = 600

/**
 * The receipt of a body that is one receipt and nothing else, which is how most acks come: what a receipt is made of needs
 * no JSON to be read. Undefined for every other body, right or wrong (`work-json-1`: 3 µs of 70 an ack).
 */
function soleReceipt(body: unknown): SoleReceipt | undefined {
  if (!Buffer.isBuffer(body) || body.length > SOLE_CHARS_MAX) return undefined
  const text = body.toString('latin1')
  if (!text.startsWith(SOLE_OPEN) || !text.endsWith(SOLE_CLOSE)) return undefined
  const handle = text.slice(SOLE_OPEN.length, -SOLE_CLOSE.length)
  const range = parseReceipt(handle)
  return range && { handle, range }
}

async function ackSole(
  { broker }: RouteContext,
  request: Request,
  reply: FastifyReply,
  { handle, range }: SoleReceipt,
): Promise<void> {
  const sayings: readonly Saying[] = [{ kind: 'ack', range }]
  const [outcome] = await broker.call('messages.say', { sayings }, callerOf(request))
  reply.header('content-type', JSON_TYPE).send(answerOf(outcome, { handle, range }, ACK))
}

const bodyOf = ({ body }: Request): unknown => parseJson(bodyText(body))

/** How one kind of request is answered: JSON without its braces. */
interface Words {
  readonly yes: (piece: Piece, topic: string) => string
  readonly no: string
}

const text = (value: string): string => JSON.stringify(value)
const deadLetters = (topic: string): string => `"dlq_topic":${text(deadLetterTopicOf(topic))}`

const ACK: Words = { yes: () => '"acknowledged":true', no: '"acknowledged":false' }
const NACK: Words = {
  yes: ({ outcome, dueMs, deliveries }, topic) =>
    outcome === 'dead'
      ? `"requeued":false,${deadLetters(topic)}`
      : `"requeued":true,"visible_at":"${formatTime(dueMs)}","delivery_count":${deliveries}`,
  no: '"requeued":false',
}
const REJECT: Words = {
  yes: (_, topic) => `"rejected":true,${deadLetters(topic)}`,
  no: '"rejected":false',
}
const EXTEND: Words = {
  yes: ({ dueMs }) => `"extended":true,"new_deadline":"${formatTime(dueMs)}"`,
  no: '"extended":false',
}

interface Given {
  readonly receipt_handle?: string | undefined
  readonly receipt_handles?: readonly string[] | undefined
}

class Receipts {
  /** Neighbours together, in the order of the request. */
  readonly ranges: ReceiptRange[] = []
  readonly #handles: readonly string[]
  readonly #isList: boolean
  /** For each handle the place of its range; -1 where it is no receipt. */
  readonly #rangeOf: Int32Array

  /** Throws INVALID_REQUEST where neither one receipt nor a list is given, or the only one is none. */
  constructor({ receipt_handle: one, receipt_handles: many }: Given) {
    if ((one === undefined) === (many === undefined)) {
      throw invalid('the request', {
        receipt_handle: 'is required, or receipt_handles instead of it',
      })
    }
    this.#isList = many !== undefined
    this.#handles = many ?? [one ?? '']
    this.#rangeOf = new Int32Array(this.#handles.length)
    for (const [i, handle] of this.#handles.entries()) this.#rangeOf[i] = this.#add(handle)
    if (!this.#isList && this.ranges.length === 0) {
      throw invalid('the request', { receipt_handle: 'is no receipt of a poll' })
    }
  }

  #add(handle: string): number {
    const range = parseReceipt(handle)
    if (range === undefined) return -1
    const last = this.ranges.at(-1)
    if (last !== undefined && isNext(last, range)) {
      this.ranges[this.ranges.length - 1] = { ...last, to: range.to }
    } else this.ranges.push(range)
    return this.ranges.length - 1
  }

  /** Throws the error where there is one receipt and it was refused. */
  answer(reply: FastifyReply, outcomes: readonly RangeOutcome[], words: Words): void {
    reply.header('content-type', JSON_TYPE)
    const [handle, range] = [this.#handles[0], this.ranges[0]]
    if (!this.#isList && handle !== undefined && range !== undefined) {
      reply.send(answerOf(outcomes[0], { handle, range }, words))
      return
    }
    reply.send(`{"results":[${this.#results(outcomes, words).join(',')}]}`)
  }

  #results(outcomes: readonly RangeOutcome[], words: Words): string[] {
    let at = -1
    let pieces: readonly Piece[] = []
    let next = 0
    let left = 0
    return this.#handles.map((handle, i) => {
      const place = this.#rangeOf[i] as number
      const open = `{"receipt_handle":${text(handle)},`
      const outcome = outcomes[place]
      if (outcome === undefined) return `${open}${words.no},"code":"INVALID_REQUEST"}`
      if (outcome.error !== undefined) return `${open}${words.no},"code":"${outcome.error.code}"}`
      if (place !== at) {
        at = place
        pieces = outcome.pieces
        next = 0
        left = 0
      }
      while (left === 0 && next < pieces.length) {
        const piece = pieces[next] as Piece
        left = piece.to - piece.from
        next += 1
      }
      left -= 1
      const piece = pieces[next - 1] as Piece
      const code = codeOf(piece)
      if (code !== undefined) return `${open}${words.no},"code":"${code}"}`
      return `${open}${words.yes(piece, this.ranges[place]?.topic ?? '')}}`
    })
  }
}

/** What one receipt alone is answered with. Throws the error where it was refused. */
function answerOf(
  outcome: RangeOutcome | undefined,
  { handle, range }: SoleReceipt,
  words: Words,
): string {
  if (outcome?.error !== undefined) throw outcome.error
  const piece = outcome?.pieces[0]
  if (piece === undefined) throw new BrokerError('UNKNOWN', 'a receipt without an answer')
  const code = codeOf(piece)
  if (code !== undefined) throw new BrokerError(code, sentenceOf(code, handle))
  return `{${words.yes(piece, range.topic)}}`
}

const isNext = (last: ReceiptRange, next: ReceiptRange): boolean =>
  last.to === next.from &&
  last.nonce === next.nonce &&
  last.deliveries === next.deliveries &&
  last.partition === next.partition &&
  last.topic === next.topic &&
  last.group === next.group

function codeOf({ outcome }: Piece): ErrorCode | undefined {
  if (outcome === 'lost') return 'LEASE_LOST'
  return outcome === 'unknown' ? 'RECEIPT_NOT_FOUND' : undefined
}

const sentenceOf = (code: ErrorCode, handle: string): string =>
  code === 'LEASE_LOST'
    ? `${handle} is over: the record was handed out again or is settled otherwise`
    : `${handle} names a record that was never handed out`
