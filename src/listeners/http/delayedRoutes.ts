/** Delayed messages: listed, looked at, cancelled, put off; and their figures. */
import { isUtf8 } from 'node:buffer'
import {
  checkerOf,
  type DelayedEntry,
  type DelayedList,
  type DelayStats,
  formatTime,
  invalid,
  parseTimeMs,
  RescheduleBody,
} from '../../api/index.ts'
import { type DelayedMessage, DUE_MS_MAX, type Operations } from '../../broker/index.ts'
import { formatDurationMs } from '../../kernel/duration.ts'
import { LIMITS } from '../../kernel/limits.ts'
import { priorityName } from '../../kernel/priority.ts'
import { callerOf } from './caller.ts'
import { durationOf } from './durations.ts'
import { bodyText, parseJson } from './json.ts'
import { offsetOf, partitionOf, Query, topicOf } from './query.ts'
import { decodeCursor, encodeCursor } from './read/cursor.ts'
import type { Request, RouteContext, Routes } from './routes.ts'

const checkReschedule = checkerOf('the request', RescheduleBody)
const DEFAULT_LIMIT = 100

export function delayedRoutes({ broker, platform }: RouteContext): Routes {
  const nowMs = (): number => platform.clock.nowMs()
  return {
    'GET delayedList': async (request, reply) => {
      const topic = topicOf(request.params)
      const input = { topic, ...listOf(request.query, topic) }
      const { messages, next } = await broker.call('delay.list', input, callerOf(request))
      const place = next && [next.dueMs, next.partition, next.offset]
      reply.send({
        messages: messages.map((message) => entryReply(message, nowMs())),
        count: messages.length,
        cursor: place === undefined ? '' : encodeCursor(place, cursorName(topic)),
      } satisfies DelayedList)
    },
    'GET delayedByOffset': async (request, reply) => {
      const input = { topic: topicOf(request.params), offset: offsetOf(request.params) }
      const found = await broker.call('delay.get', input, callerOf(request))
      reply.send(entryReply(found, nowMs()))
    },
    'GET delayed': async (request, reply) => {
      const found = await broker.call('delay.get', placeOf(request), callerOf(request))
      reply.send(entryReply(found, nowMs()))
    },
    'DELETE delayed': async (request, reply) => {
      await broker.call('delay.cancel', placeOf(request), callerOf(request))
      reply.send({ cancelled: true })
    },
    'PATCH delayed': async (request, reply) => {
      const dueMs = dueOf(checkReschedule(parseJson(bodyText(request.body))), nowMs())
      const input = { ...placeOf(request), dueMs }
      const found = await broker.call('delay.reschedule', input, callerOf(request))
      reply.send(entryReply(found, nowMs()))
    },
    'GET delayStats': async (request, reply) => {
      reply.send(statsReply(await broker.call('delay.stats', {}, callerOf(request))))
    },
  }
}

const placeOf = ({ params }: Request) => ({
  topic: topicOf(params),
  partition: partitionOf(params),
  offset: offsetOf(params),
})

/** A cursor of this list is none of another one of the topic. */
const cursorName = (topic: string): string => `delayed ${topic}`

function listOf(given: unknown, topic: string) {
  const query = new Query(given)
  const limit = query.integer('limit', { min: 1, max: LIMITS.delayedListMax }) ?? DEFAULT_LIMIT
  const [fromMs, toMs] = [query.timeMs('from_time'), query.timeMs('to_time')]
  const cursor = query.text('cursor')
  const place = cursor ? decodeCursor(cursor, cursorName(topic)) : []
  const [dueMs, partition, offset] = place ?? []
  if (place === undefined) query.refuse('cursor', 'is none of this list')
  query.throwIfAny()
  const isPlace = dueMs !== undefined && partition !== undefined && offset !== undefined
  return { limit, fromMs, toMs, after: isPlace ? { dueMs, partition, offset } : undefined }
}

function dueOf({ delay, deliverAt }: RescheduleBody, nowMs: number): number {
  if ((delay === undefined) === (deliverAt === undefined)) {
    throw invalid('the request', { delay: 'or deliverAt is required, and only one of them' })
  }
  if (deliverAt !== undefined) {
    const dueMs = parseTimeMs(deliverAt)
    if (dueMs !== undefined) return Math.max(0, dueMs)
    throw invalid('the request', { deliverAt: 'must be an RFC 3339 time' })
  }
  return nowMs + Math.ceil(durationOf('delay', delay, DUE_MS_MAX - nowMs) ?? 0)
}

/** Plain fields: a page holds up to a thousand of them. */
function entryReply(message: DelayedMessage, nowMs: number): DelayedEntry {
  const { topic, partition, offset, dueMs, state, priority, publishedMs, key } = message
  const entry: Changing<DelayedEntry> = {
    topic,
    partition,
    offset,
    state,
    deliver_at: formatTime(dueMs),
    time_remaining: formatDurationMs(Math.max(0, dueMs - nowMs)),
    priority: priorityName(priority),
    published_at: formatTime(publishedMs),
  }
  if (key === undefined) return entry
  const isText = isUtf8(key)
  entry.key = key.toString(isText ? 'utf8' : 'base64')
  if (!isText) entry.encoding = 'base64'
  return entry
}

type Changing<T> = { -readonly [K in keyof T]: T[K] }

type Counts = Pick<
  Operations['delay.stats']['output'],
  'pending' | 'delivered' | 'cancelled' | 'expired'
>

const countsReply = ({ pending, delivered, cancelled, expired }: Counts) => ({
  pending_count: pending,
  delivered_count: delivered,
  cancelled_count: cancelled,
  expired_count: expired,
})

function statsReply(stats: Operations['delay.stats']['output']): DelayStats {
  const { lateness, topics, timerLevels, untimed } = stats
  const byTopic = [...topics].sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    ...countsReply(stats),
    avg_delay: formatDurationMs(stats.delayMsMean),
    lateness: {
      p50: formatDurationMs(lateness.p50Ms),
      p99: formatDurationMs(lateness.p99Ms),
      max: formatDurationMs(lateness.maxMs),
    },
    by_topic: Object.fromEntries(byTopic.map(([name, counts]) => [name, countsReply(counts)])),
    timer_wheel: { levels: [...timerLevels], waiting: untimed },
  }
}
