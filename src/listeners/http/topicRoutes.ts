/** Topics: create, list, describe, configure, delete, and their partitions. */
import type { FastifyReply } from 'fastify'
import {
  ConfigureTopicBody,
  CreateTopicBody,
  checkerOf,
  type PartitionsReply,
  type TopicReply,
} from '../../api/index.ts'
import type { TopicView } from '../../broker/index.ts'
import { callerOf } from './caller.ts'
import { bodyText, parseJson } from './json.ts'
import { topicOf } from './query.ts'
import type { Request, RouteContext, Routes } from './routes.ts'
import { configOf, configReply, inWireWords } from './topicConfig.ts'

const checkCreate = checkerOf('the request', CreateTopicBody)
const checkConfigure = checkerOf('the request', ConfigureTopicBody)

export function topicRoutes(context: RouteContext): Routes {
  const { broker } = context
  return {
    'POST topics': (request, reply) => createTopic(context, request, reply),
    'GET topics': async (request, reply) => {
      reply.send({ topics: await broker.call('topics.list', {}, callerOf(request)) })
    },
    'GET topic': async (request, reply) => {
      const name = topicOf(request.params)
      reply.send(topicReply(await broker.call('topics.describe', { name }, callerOf(request))))
    },
    'PATCH topic': (request, reply) => configureTopic(context, request, reply),
    'DELETE topic': async (request, reply) => {
      const name = topicOf(request.params)
      await broker.call('topics.delete', { name }, callerOf(request))
      reply.send({ deleted: true, name })
    },
    'GET partitions': async (request, reply) => {
      const name = topicOf(request.params)
      const view = await broker.call('topics.describe', { name }, callerOf(request))
      reply.send(partitionsReply(view, broker.status().nodeId))
    },
  }
}

async function createTopic(
  { broker }: RouteContext,
  request: Request,
  reply: FastifyReply,
): Promise<void> {
  const body = checkCreate(parseJson(bodyText(request.body)))
  const config = configOf(body.config ?? {}, body.retention_hours)
  const input = { name: body.name, partitions: body.num_partitions, config }
  try {
    const { name, partitions } = await broker.call('topics.create', input, callerOf(request))
    reply.code(201).send({ name, partitions: partitions.length, created: true })
  } catch (error) {
    throw inWireWords(error)
  }
}

async function configureTopic(
  { broker }: RouteContext,
  request: Request,
  reply: FastifyReply,
): Promise<void> {
  const name = topicOf(request.params)
  const { config } = checkConfigure(parseJson(bodyText(request.body)))
  const input = { name, config: configOf(config) }
  try {
    reply.send(topicReply(await broker.call('topics.configure', input, callerOf(request))))
  } catch (error) {
    throw inWireWords(error)
  }
}

function topicReply({ name, partitions, config }: TopicView): TopicReply {
  const offsets: TopicReply['partition_offsets'] = {}
  let [messages, sizeBytes] = [0, 0]
  for (const each of partitions) {
    offsets[each.partition] = { earliest: each.earliest, latest: each.latest }
    messages += each.latest - each.earliest
    sizeBytes += each.sizeBytes
  }
  return {
    name,
    partitions: partitions.length,
    total_messages: messages,
    total_size_bytes: sizeBytes,
    partition_offsets: offsets,
    config: configReply(config),
  }
}

function partitionsReply({ name, partitions }: TopicView, nodeId: number): PartitionsReply {
  return {
    topic: name,
    partitions: partitions.map(({ partition, earliest, latest, sizeBytes, segments, problem }) => ({
      partition,
      leader: nodeId,
      replicas: [nodeId],
      isr: [nodeId],
      earliest,
      latest,
      size_bytes: sizeBytes,
      segments,
      ...(problem === undefined ? {} : { problem }),
    })),
  }
}
