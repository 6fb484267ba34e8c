/** Raw reads over many partitions, with a group and without: JSON in, frames out. */
import type { FastifyReply } from 'fastify'
import {
  checkerOf,
  FETCH_TYPE,
  FetchBody,
  fetchFrameHead,
  GroupFetchBody,
  HEADER_REBALANCE,
  invalid,
} from '../../api/index.ts'
import type { Fetched, Operations } from '../../broker/index.ts'
import { parseDurationMs } from '../../kernel/duration.ts'
import { type BrokerError, ERRORS } from '../../kernel/errors.ts'
import { LIMITS } from '../../kernel/limits.ts'
import { bodyText, parseJson } from './json.ts'
import { groupOf } from './query.ts'
import type { Request, RouteContext } from './routes.ts'

const checkFetch = checkerOf('the request', FetchBody)
const checkGroupFetch = checkerOf('the request', GroupFetchBody)

const DEFAULT_FETCH_BYTES = LIMITS.readBytesMax / 16

export async function fetchRecords(
  context: RouteContext,
  request: Request,
  reply: FastifyReply,
): Promise<void> {
  const { broker, polls } = context
  const body = checkFetch(parseJson(bodyText(request.body)))
  const input = { reads: body.reads, maxBytes: grant(context, body) }
  const ask = (waitMs: number, caller: Parameters<typeof broker.call>[2]) =>
    broker.call('records.fetch', { waitMs, ...input }, caller)
  const fetched = await polls.read<readonly Fetched[]>(request, {
    waitMs: waitMsOf(body),
    isEmpty: ({ length }) => length === 0,
    ask,
    askAgain: () => ask,
  })
  sendFrames(context, request, reply, fetched)
}

export async function fetchInGroup(
  context: RouteContext,
  request: Request,
  reply: FastifyReply,
): Promise<void> {
  const { broker, polls } = context
  const body = checkGroupFetch(parseJson(bodyText(request.body)))
  const input = {
    group: groupOf(request.params),
    memberId: body.member_id,
    generation: body.generation,
    reads: body.reads,
    maxBytes: grant(context, body),
  }
  const ask = (waitMs: number, caller: Parameters<typeof broker.call>[2]) =>
    broker.call('groups.fetch', { waitMs, ...input }, caller)
  const read = await polls.read<Operations['groups.fetch']['output']>(request, {
    waitMs: waitMsOf(body),
    isEmpty: (answer) => !answer.rebalance && answer.value.length === 0,
    ask,
    askAgain: () => ask,
  })
  if (read.rebalance) reply.header(HEADER_REBALANCE, '1')
  sendFrames(context, request, reply, read.rebalance ? [] : read.value)
}

type Limits = Pick<FetchBody, 'max_bytes' | 'timeout'>

const grant = ({ traffic }: RouteContext, { max_bytes }: Limits): number =>
  traffic.grant(max_bytes ?? DEFAULT_FETCH_BYTES)

function waitMsOf({ timeout = 0 }: Limits): number {
  const waitMs = parseDurationMs(timeout)
  if (waitMs !== undefined && waitMs <= LIMITS.longPollMsMax) return waitMs
  const problem = `must be a duration up to ${LIMITS.longPollMsMax} ms, such as "30s"`
  throw invalid('the request', { timeout: problem })
}

const NO_BYTES = Buffer.alloc(0)

function sendFrames(
  { traffic }: RouteContext,
  request: Request,
  reply: FastifyReply,
  fetched: readonly Fetched[],
): void {
  const parts: Buffer[] = []
  for (const { index, result, error } of fetched) {
    if (error !== undefined) parts.push(errorFrame(index, error))
    else {
      const { bytes, nextOffset, highWatermark } = result
      const head = { index, error: 0, nextOffset, highWatermark }
      parts.push(fetchFrameHead(head, bytes.length), bytes)
    }
  }
  const body = parts.length === 0 ? NO_BYTES : Buffer.concat(parts)
  traffic.hold(request.flight, body.length)
  reply.header('content-type', FETCH_TYPE).send(body)
}

/** Where the offset is out of range the frame says what the range is, so that the reader can go on at once. */
function errorFrame(index: number, { code, fields }: BrokerError): Buffer {
  const nextOffset = Number(fields?.['earliest'] ?? 0)
  const highWatermark = Number(fields?.['latest'] ?? 0)
  return fetchFrameHead({ index, error: ERRORS[code].wire, nextOffset, highWatermark }, 0)
}
