/**
 * A JSON publish of any form: checked field by field, every problem named by its path, nothing taken of a
 * request in which one message is wrong. The usual form never comes here; see {@link readJsonBatch}.
 *
 * Fields that are not known are passed over, null is absent (but for `value`, where it is a tombstone), of a
 * name that comes twice the last counts.
 */
import { invalid, parseTimeMs } from '../../../api/index.ts'
import { DUE_MS_MAX, type PublishMessage } from '../../../broker/index.ts'
import { parseDurationMs } from '../../../kernel/duration.ts'
import { BrokerError } from '../../../kernel/errors.ts'
import { LIMITS } from '../../../kernel/limits.ts'
import { PRIORITIES, parsePriority } from '../../../kernel/priority.ts'
import { bodyText, isObject, parseJson } from '../json.ts'
import { ACKS_WORDS, type Acks, acksOf } from './acks.ts'
import { type Span, valueSpans } from './jsonSpans.ts'
import { MessageProblems } from './problems.ts'

export interface PublishRequest {
  readonly messages: readonly PublishMessage[]
  /** Undefined where the request does not say. */
  readonly acks: Acks | undefined
}

type Draft = { -readonly [K in keyof PublishMessage]: PublishMessage[K] }
type Given = Readonly<Record<string, unknown>>

interface Context {
  readonly body: Buffer
  readonly problems: MessageProblems
  readonly nowMs: number
  /** Whether a string may hold half a surrogate pair: only where the text has a \ud escape. */
  readonly mayBeIllFormed: boolean
  spans: readonly (Span | undefined)[] | undefined
}

/** Throws INVALID_REQUEST or BATCH_TOO_LARGE, with `fields`. */
export function parsePublish(body: unknown, nowMs: number): PublishRequest {
  const text = bodyText(body)
  const parsed = parseJson(text)
  if (!isObject(parsed)) throw invalid('the request', { body: 'must be an object' })
  const acks = parsed['acks'] == null ? undefined : acksOf(parsed['acks'])
  if (acks === undefined && parsed['acks'] != null) {
    throw invalid('the request', { acks: `must be one of ${ACKS_WORDS.join(', ')}` })
  }
  const problems = new MessageProblems()
  const context: Context = {
    body: body as Buffer,
    problems,
    nowMs,
    mayBeIllFormed: text.includes('\\ud') || text.includes('\\uD'),
    spans: undefined,
  }
  const messages: PublishMessage[] = []
  for (const [index, given] of messageList(parsed['messages']).entries()) {
    if (problems.isFull) break
    messages.push(checkMessage(context, index, given))
  }
  problems.throwIfAny()
  return { messages, acks }
}

function messageList(messages: unknown): readonly unknown[] {
  const problem = messages === undefined ? 'is required' : 'must be an array'
  if (!Array.isArray(messages)) throw invalid('the request', { messages: problem })
  if (messages.length === 0) {
    throw invalid('the request', { messages: 'must hold at least one message' })
  }
  if (messages.length <= LIMITS.batchRecordsMax) return messages
  const text = `${messages.length} messages, at most ${LIMITS.batchRecordsMax} in one request`
  throw new BrokerError('BATCH_TOO_LARGE', text, { fields: { messages: text } })
}

function checkMessage(context: Context, index: number, given: unknown): PublishMessage {
  const draft: Draft = { value: null }
  if (!isObject(given)) {
    context.problems.add(index, '', 'must be an object')
    return draft
  }
  const isBase64 = checkEncoding(context, index, given)
  checkValue(context, index, given, draft)
  checkKey(context, index, given, draft)
  if (isBase64) decodeBase64(context, index, draft)
  checkPlacement(context, index, given, draft)
  checkHeaders(context, index, given, draft)
  checkTimes(context, index, given, draft)
  return draft
}

function checkEncoding({ problems }: Context, index: number, { encoding }: Given): boolean {
  if (encoding == null || encoding === 'utf8') return false
  if (encoding === 'base64') return true
  problems.add(index, '.encoding', 'must be utf8 or base64')
  return false
}

function checkValue(context: Context, index: number, given: Given, draft: Draft): void {
  const { value } = given
  if (value === undefined) context.problems.add(index, '.value', 'is required')
  else if (value === null) return
  else if (typeof value === 'string') draft.value = checkText(context, index, '.value', value)
  else if (given['encoding'] === 'base64') {
    context.problems.add(index, '.value', 'must be a string where encoding is base64')
  } else {
    context.spans ??= valueSpans(context.body)
    const { start, end } = context.spans[index] ?? { start: 0, end: 0 }
    draft.value = context.body.subarray(start, end)
  }
}

function checkKey(context: Context, index: number, { key }: Given, draft: Draft): void {
  if (key == null) return
  if (typeof key === 'string') draft.key = checkText(context, index, '.key', key)
  else context.problems.add(index, '.key', 'must be a string')
}

const LONE_SURROGATE = /\p{Surrogate}/u

function checkText(context: Context, index: number, field: string, text: string): string {
  if (context.mayBeIllFormed && LONE_SURROGATE.test(text)) {
    context.problems.add(index, field, 'holds half a surrogate pair, which is no text')
  }
  return text
}

function decodeBase64({ problems }: Context, index: number, draft: Draft): void {
  for (const field of ['key', 'value'] as const) {
    const text = draft[field]
    if (typeof text !== 'string') continue
    const bytes = Buffer.from(text, 'base64')
    // Node passes over what is not base64; written out again it must be the same.
    if (bytes.toString('base64') !== text) problems.add(index, `.${field}`, 'is not base64')
    draft[field] = bytes
  }
}

function checkPlacement({ problems }: Context, index: number, given: Given, draft: Draft): void {
  const { partition, priority } = given
  if (partition != null) {
    if (Number.isSafeInteger(partition) && Number(partition) >= 0) {
      draft.partition = Number(partition)
    } else problems.add(index, '.partition', 'must be an integer from 0')
  }
  if (priority == null) return
  draft.priority = parsePriority(priority)
  if (draft.priority === undefined) {
    problems.add(index, '.priority', `must be one of ${PRIORITIES.join(', ')}, or 0 to 4`)
  }
}

function checkHeaders(context: Context, index: number, given: Given, draft: Draft): void {
  const { headers } = given
  if (headers == null) return
  if (!isObject(headers)) {
    context.problems.add(index, '.headers', 'must be an object of strings')
    return
  }
  const entries = Object.entries(headers)
  if (entries.length > LIMITS.recordHeadersMax) {
    context.problems.add(index, '.headers', `must be at most ${LIMITS.recordHeadersMax}`)
    return
  }
  for (const [name, value] of entries) {
    const field = `.headers.${name}`
    checkText(context, index, '.headers', name)
    if (typeof value === 'string') checkText(context, index, field, value)
    else context.problems.add(index, field, 'must be a string')
  }
  draft.headers = headers as Readonly<Record<string, string>>
}

/** What is due already, or not said, goes at once: it has no due time. Where both are given deliverAt counts. */
function checkTimes({ problems, nowMs }: Context, index: number, given: Given, draft: Draft): void {
  const { delay, deliverAt } = given
  const atMs = deliverAt == null ? undefined : parseTimeMs(String(deliverAt))
  if (deliverAt != null && atMs === undefined) {
    problems.add(index, '.deliverAt', 'must be an RFC 3339 time')
  }
  const delayMs = delay == null ? 0 : parseDurationMs(delay)
  if (delayMs === undefined || nowMs + delayMs > DUE_MS_MAX) {
    problems.add(index, '.delay', 'must be a duration such as "30s", or milliseconds')
  }
  const dueMs = atMs ?? nowMs + Math.ceil(delayMs ?? 0)
  if (dueMs > nowMs) draft.dueMs = dueMs
}
