/** Read by offset, of one partition or of all; find an offset by time. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  formatTime,
  HEADER_HIGH_WATERMARK,
  HEADER_NEXT_OFFSET,
  type OffsetReply,
  RECORDS_TYPE,
} from '../../../api/index.ts'
import type { Operations } from '../../../broker/index.ts'
import { callerOf } from '../caller.ts'
import { type PartitionParams, partitionOf, type TopicParams, topicOf } from '../query.ts'
import type { RouteContext, Routes } from '../routes.ts'
import type { Traffic } from '../traffic.ts'
import { encodeCursor } from './cursor.ts'
import { addToPage, beginPage, endPage, type JsonPage } from './jsonRecords.ts'
import { partitionReadOf, topicReadOf, wantedTimeOf } from './readQuery.ts'
import { sendPage } from './sendPage.ts'

type ReadResult = Operations['records.read']['output']
type TopicReadResult = Operations['records.readTopic']['output']
type PartitionRequest = FastifyRequest<{ Params: PartitionParams }>
type TopicRequest = FastifyRequest<{ Params: TopicParams }>

export function readRoutes(context: RouteContext): Routes {
  return {
    'GET partitionMessages': (request: PartitionRequest, reply) =>
      readPartition(context, request, reply),
    'GET topicMessages': (request: TopicRequest, reply) => readTopic(context, request, reply),
    'GET offsetAtTime': (request: PartitionRequest, reply) => findOffset(context, request, reply),
  }
}

async function readPartition(
  { broker, traffic, polls }: RouteContext,
  request: PartitionRequest,
  reply: FastifyReply,
): Promise<void> {
  const topic = topicOf(request.params)
  const partition = partitionOf(request.params)
  const { from, maxRecords, maxBytes, waitMs } = partitionReadOf(request.query)
  const input = { topic, partition, maxRecords, maxBytes: traffic.grant(maxBytes) }
  const result = await polls.read<ReadResult>(request, {
    waitMs,
    isEmpty: ({ count }) => count === 0,
    ask: (wait, caller) => broker.call('records.read', { from, waitMs: wait, ...input }, caller),
    askAgain:
      ({ nextOffset }) =>
      (wait, caller) =>
        broker.call(
          'records.read',
          { from: { offset: nextOffset }, waitMs: wait, ...input },
          caller,
        ),
  })
  const wantsRaw = request.headers.accept?.includes(RECORDS_TYPE) === true
  if (wantsRaw) sendRaw(reply, traffic, result)
  else sendPage(reply, traffic, pageOf(result))
}

function sendRaw(reply: FastifyReply, traffic: Traffic, result: ReadResult): void {
  traffic.hold(reply.request.flight, result.bytes.length)
  reply.header(HEADER_NEXT_OFFSET, String(result.nextOffset))
  reply.header(HEADER_HIGH_WATERMARK, String(result.highWatermark))
  reply.header('content-type', RECORDS_TYPE).send(result.bytes)
}

function pageOf(result: ReadResult): JsonPage {
  beginPage()
  const next = addToPage(result)
  return endPage(`],"next_offset":${next},"high_watermark":${result.highWatermark}}`)
}

async function readTopic(
  { broker, traffic, polls }: RouteContext,
  request: TopicRequest,
  reply: FastifyReply,
): Promise<void> {
  const topic = topicOf(request.params)
  const { from, maxRecords, maxBytes, waitMs } = topicReadOf(request.query, topic)
  const input = { topic, maxRecords, maxBytes: traffic.grant(maxBytes) }
  const result = await polls.read<TopicReadResult>(request, {
    waitMs,
    isEmpty: ({ parts }) => parts.length === 0,
    ask: (wait, caller) =>
      broker.call('records.readTopic', { from, waitMs: wait, ...input }, caller),
    askAgain:
      ({ positions }) =>
      (wait, caller) =>
        broker.call('records.readTopic', { from: { positions }, waitMs: wait, ...input }, caller),
  })
  sendPage(reply, traffic, topicPage(result, topic))
}

function topicPage({ parts, positions }: TopicReadResult, topic: string): JsonPage {
  const reached = [...positions]
  beginPage()
  for (const { partition, result } of parts) {
    reached[partition] = addToPage({ partition, ...result })
  }
  return endPage(`],"cursor":"${encodeCursor(reached, topic)}"}`)
}

async function findOffset(
  { broker }: RouteContext,
  request: PartitionRequest,
  reply: FastifyReply,
): Promise<void> {
  const topic = topicOf(request.params)
  const partition = partitionOf(request.params)
  const timeMs = wantedTimeOf(request.query)
  const caller = callerOf(request)
  const found = await broker.call('records.offsetAtTime', { topic, partition, timeMs }, caller)
  if (found !== undefined) {
    const { offset, timestampMs } = found
    reply.send({ offset, timestamp: formatTime(timestampMs) } satisfies OffsetReply)
    return
  }
  const { partitions } = await broker.call('topics.describe', { name: topic }, caller)
  const offset = partitions[partition]?.latest ?? 0
  reply.send({ offset, timestamp: null } satisfies OffsetReply)
}
