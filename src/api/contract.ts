/** Every route of the contract with its schemas: what the server documents and clients build on. */
import type { TSchema } from 'typebox'
import { BACKUP_ROUTES } from './backupRoutes.ts'
import { DELAYED_ROUTES } from './delayedRoutes.ts'
import { DELIVERY_ROUTES } from './deliveryRoutes.ts'
import { ErrorBody } from './errorBody.ts'
import { GROUP_ROUTES } from './groupRoutes.ts'
import * as health from './health.ts'
import * as messages from './messages.ts'
import { PATHS, type PathName } from './paths.ts'
import { PRIORITY_ROUTES } from './priorityRoutes.ts'
import * as topics from './topics.ts'

export interface RouteContract {
  readonly path: PathName
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly tag:
    | 'Health and status'
    | 'Topics'
    | 'Messages'
    | 'Consumer groups'
    | 'Deliveries'
    | 'Delayed messages'
    | 'Administration'
  readonly summary: string
  readonly params?: TSchema
  readonly query?: TSchema
  /** Content type to schema. */
  readonly body?: Readonly<Record<string, TSchema>>
  readonly status?: 200 | 201 | 202
  /** Content type to schema. */
  readonly reply: Readonly<Record<string, TSchema>>
  /** Statuses of its errors, each with an {@link ErrorBody}; 400, 503 and 500 may come from any route. */
  readonly errors?: readonly number[]
}

const JSON_ONLY = 'application/json'
const json = (schema: TSchema): Record<string, TSchema> => ({ [JSON_ONLY]: schema })
/** A schema outside of typebox: bytes are described, not checked. */
const Bytes: TSchema = { type: 'string', format: 'binary' }
const Text: TSchema = { type: 'string' }

const status = (path: PathName, summary: string, reply: TSchema): RouteContract => ({
  ...{ path, summary, method: 'GET', tag: 'Health and status' },
  reply: json(reply),
})

const HEALTH: readonly RouteContract[] = [
  status('health', 'One word for a dashboard', health.Health),
  status('healthz', 'Whether the process lives', health.Liveness),
  status('livez', 'Whether the process lives', health.Liveness),
  {
    ...status(
      'readyz',
      'Whether it takes work: 503 while recovering or draining',
      health.Readiness,
    ),
    query: health.ReadyzQuery,
  },
  status('version', 'What runs here', health.Version),
  status('stats', 'Figures of the broker and of each topic', health.Stats),
  { ...status('metrics', 'Prometheus metrics', Text), reply: { 'text/plain': Text } },
]

const TOPICS: readonly RouteContract[] = [
  {
    ...{ path: 'topics', method: 'POST', tag: 'Topics', summary: 'Create a topic', status: 201 },
    body: json(topics.CreateTopicBody),
    reply: json(topics.CreateTopicReply),
    errors: [409, 422],
  },
  {
    ...{ path: 'topics', method: 'GET', tag: 'Topics', summary: 'List the topics' },
    reply: json(topics.TopicList),
  },
  {
    ...{ path: 'topic', method: 'GET', tag: 'Topics', summary: 'Describe a topic' },
    params: topics.TopicParams,
    reply: json(topics.TopicReply),
    errors: [404],
  },
  {
    ...{ path: 'topic', method: 'PATCH', tag: 'Topics', summary: 'Change settings of a topic' },
    params: topics.TopicParams,
    body: json(topics.ConfigureTopicBody),
    reply: json(topics.TopicReply),
    errors: [404, 422],
  },
  {
    ...{ path: 'topic', method: 'DELETE', tag: 'Topics', summary: 'Delete a topic for good' },
    params: topics.TopicParams,
    reply: json(topics.DeleteTopicReply),
    errors: [404],
  },
  {
    ...{ path: 'partitions', method: 'GET', tag: 'Topics', summary: 'Describe the partitions' },
    params: topics.TopicParams,
    reply: json(topics.PartitionsReply),
    errors: [404],
  },
]

const MESSAGES: readonly RouteContract[] = [
  {
    ...{ path: 'topicMessages', method: 'POST', tag: 'Messages', summary: 'Publish messages' },
    params: topics.TopicParams,
    query: messages.RawPublishQuery,
    body: { ...json(messages.PublishBody), [messages.RECORDS_TYPE]: Bytes },
    // Of the two forms the JSON one is described: a raw batch is answered by runs instead of messages.
    reply: json(messages.PublishReply),
    errors: [404, 413, 415, 422],
  },
  {
    ...{ path: 'topicMessages', method: 'GET', tag: 'Messages', summary: 'Read all partitions' },
    params: topics.TopicParams,
    query: messages.ReadTopicQuery,
    reply: json(messages.ReadTopicReply),
    errors: [404, 416],
  },
  {
    ...{ path: 'partitionMessages', method: 'GET', tag: 'Messages', summary: 'Read a partition' },
    params: topics.PartitionParams,
    query: messages.ReadQuery,
    reply: { ...json(messages.ReadReply), [messages.RECORDS_TYPE]: Bytes },
    errors: [404, 416],
  },
  {
    ...{ path: 'offsetAtTime', method: 'GET', tag: 'Messages', summary: 'Find an offset by time' },
    params: topics.PartitionParams,
    query: messages.OffsetQuery,
    reply: json(messages.OffsetReply),
    errors: [404],
  },
]

export const CONTRACT: readonly RouteContract[] = [
  ...HEALTH,
  ...TOPICS,
  ...MESSAGES,
  ...GROUP_ROUTES,
  ...DELIVERY_ROUTES,
  ...DELAYED_ROUTES,
  ...PRIORITY_ROUTES,
  ...BACKUP_ROUTES,
]

export const ErrorReply = ErrorBody

/** Every path with the methods it answers: for `405` and its `Allow`. */
export function methodsByPath(): ReadonlyMap<string, readonly string[]> {
  const methods = new Map<string, string[]>()
  for (const { path, method } of CONTRACT) {
    const list = methods.get(PATHS[path]) ?? []
    list.push(...(method === 'GET' ? ['GET', 'HEAD'] : [method]))
    methods.set(PATHS[path], list)
  }
  return methods
}
