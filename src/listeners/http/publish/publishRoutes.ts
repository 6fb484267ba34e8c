/** Publish: the usual JSON in one pass, any other JSON with every problem named, raw batches as they are. */
import type { FastifyReply } from 'fastify'
import { invalid, JSON_TYPE, RECORDS_TYPE } from '../../../api/index.ts'
import type { PublishMessage, PublishOutcome } from '../../../broker/index.ts'
import { BrokerError } from '../../../kernel/errors.ts'
import { LIMITS } from '../../../kernel/limits.ts'
import { NORMAL_PRIORITY, type Priority } from '../../../kernel/priority.ts'
import { crc32c, decodeWireBatch } from '../../../record/index.ts'
import { callerOf } from '../caller.ts'
import { Query, topicOf } from '../query.ts'
import type { Request, RouteContext, Routes } from '../routes.ts'
import { ACKS_WORDS, type Acks, acksOf, DEFAULT_ACKS } from './acks.ts'
import { type JsonBatch, readJsonBatch } from './jsonBatch.ts'
import { parsePublish } from './messages.ts'
import { publishReply, rawPublishReply } from './replies.ts'

export const publishRoutes = (context: RouteContext): Routes => ({
  'POST topicMessages': (request, reply) =>
    request.headers['content-type']?.startsWith(RECORDS_TYPE) === true
      ? publishRaw(context, request, reply)
      : publishJson(context, request, reply),
})

async function publishJson(
  context: RouteContext,
  request: Request,
  reply: FastifyReply,
): Promise<void> {
  const topic = topicOf(request.params)
  const body = Buffer.isBuffer(request.body) ? request.body : undefined
  const key = idempotencyKeyOf(request)
  const usual = body === undefined || key !== undefined ? undefined : readJsonBatch(body)
  const published = usual === undefined ? undefined : await publishUsual(context, request, usual)
  if (usual !== undefined && published !== undefined) {
    sendJson(reply, publishReply(published, { priorities: usual.priorities, nowMs: now(context) }))
    return
  }
  const { messages, acks } = parsePublish(body, now(context))
  const named = key === undefined ? undefined : { key, bodyChecksum: crc32c(body ?? NO_BODY) }
  const input = { topic, messages, acks: acks ?? DEFAULT_ACKS, request: named }
  const outcome = await context.broker.call('records.publish', input, callerOf(request))
  const isDelayed = outcome.runs.some(({ delayed }) => delayed === true)
  const details = {
    priorities: prioritiesOf(messages),
    nowMs: now(context),
    dueMs: isDelayed ? messages.map(({ dueMs }) => dueMs) : undefined,
  }
  sendJson(reply, publishReply(outcome, details))
}

const now = ({ platform }: RouteContext): number => platform.clock.nowMs()

const NO_BODY = Buffer.alloc(0)
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/

function idempotencyKeyOf({ headers }: Request): string | undefined {
  const key = headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key === 'string' && IDEMPOTENCY_KEY.test(key)) return key
  throw invalid('the request', { 'idempotency-key': 'must be 1 to 255 visible ASCII characters' })
}

/** Refusals in which the fault lies with a single message: said better by who looks at each. */
const NAMES_A_MESSAGE: ReadonlySet<string> = new Set(['PARTITION_NOT_FOUND', 'RECORD_TOO_LARGE'])

/** Undefined where it was refused, and nothing written, for a fault that the other way names better. */
async function publishUsual(
  { broker }: RouteContext,
  request: Request,
  { batch, partition, acks = DEFAULT_ACKS }: JsonBatch,
): Promise<PublishOutcome | undefined> {
  const input = { topic: topicOf(request.params), partition, batch, acks }
  try {
    return await broker.call('records.publishBatch', input, callerOf(request))
  } catch (error) {
    if (error instanceof BrokerError && NAMES_A_MESSAGE.has(error.code)) return undefined
    throw error
  }
}

function prioritiesOf(messages: readonly PublishMessage[]): Uint8Array | Priority {
  const first = messages[0]?.priority ?? NORMAL_PRIORITY
  const isOther = ({ priority = NORMAL_PRIORITY }: PublishMessage): boolean => priority !== first
  if (!messages.some(isOther)) return first
  return Uint8Array.from(messages, ({ priority = NORMAL_PRIORITY }) => priority)
}

const sendJson = (reply: FastifyReply, text: string): void => {
  reply.header('content-type', JSON_TYPE).send(text)
}

async function publishRaw(
  { broker, platform, bodyBlocks }: RouteContext,
  request: Request,
  reply: FastifyReply,
): Promise<void> {
  const topic = topicOf(request.params)
  if (idempotencyKeyOf(request) !== undefined) {
    throw invalid('the request', {
      'idempotency-key': 'is for JSON; a raw batch has a producer id',
    })
  }
  const { partition, acks, delayed } = rawQueryOf(request.query)
  const body = request.body as Buffer
  const batch = decodeWireBatch(body, { delayed })
  const input = { topic, partition, batch, producer: batch.producer }
  const outcome = delayed
    ? await broker.call('delay.publishBatch', input, callerOf(request))
    : await broker.call('records.publishBatch', { acks, ...input }, callerOf(request))
  // Its records were copied when they were written; what failed, or is told before that, may yet be read.
  if (!delayed && acks !== 'none') bodyBlocks.giveBack(body)
  sendJson(reply, JSON.stringify(rawPublishReply(outcome, platform.clock.nowMs())))
}

const PARTITIONS = { min: 0, max: LIMITS.topicPartitionsMax }

interface RawQuery {
  readonly partition: number | undefined
  readonly acks: Acks
  readonly delayed: boolean
}

function rawQueryOf(given: unknown): RawQuery {
  const query = new Query(given)
  const partition = query.integer('partition', PARTITIONS)
  const word = query.text('acks')
  const acks = word === undefined ? DEFAULT_ACKS : acksOf(word)
  if (acks === undefined) query.refuse('acks', `must be one of ${ACKS_WORDS.join(', ')}`)
  const delayed = query.boolean('delayed') ?? false
  query.throwIfAny()
  return { partition, acks: acks ?? DEFAULT_ACKS, delayed }
}
