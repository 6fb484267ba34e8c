/** Dead letters: listed, and brought back by tasks. */
import { isUtf8 } from 'node:buffer'
import {
  checkerOf,
  type DeadLettersReply,
  formatTime,
  invalid,
  parseTimeMs,
  RedriveBody,
  type TaskReply,
} from '../../api/index.ts'
import {
  DEATH_REASONS,
  type DeadLetter,
  deadLetterTopicOf,
  type RedriveFilter,
  type Task,
} from '../../broker/index.ts'
import { LIMITS } from '../../kernel/limits.ts'
import { priorityName } from '../../kernel/priority.ts'
import { callerOf } from './caller.ts'
import { bodyText, parseJson } from './json.ts'
import { Query, topicOf } from './query.ts'
import { decodeCursor, encodeCursor } from './read/cursor.ts'
import type { Request, RouteContext, Routes } from './routes.ts'

const checkRedrive = checkerOf('the request', RedriveBody)
const DEFAULT_LIMIT = 100

export function deadLetterRoutes({ broker }: RouteContext): Routes {
  return {
    'GET deadLetters': async (request, reply) => {
      const topic = topicOf(request.params)
      const query = listOf(request.query, topic)
      const { letters, positions } = await broker.call(
        'dlq.list',
        { topic, ...query },
        callerOf(request),
      )
      const of = deadLetterTopicOf(topic)
      const cursor = positions.length === 0 ? '' : encodeCursor(positions, of)
      reply.send({ messages: letters.map(letterReply), cursor } satisfies DeadLettersReply)
    },
    'POST redrives': async (request, reply) => {
      const topic = topicOf(request.params)
      const body = checkRedrive(bodyOf(request))
      const { rate, limit, dry_run: dryRun = false } = body
      const input = { topic, filter: filterOf(body), rate, limit, dryRun }
      reply.code(202).send(taskReply(await broker.call('dlq.redrive', input, callerOf(request))))
    },
    'GET redrives': async (request, reply) => {
      const topic = topicOf(request.params)
      const tasks = await broker.call('dlq.tasks', { topic }, callerOf(request))
      reply.send({ tasks: tasks.map(taskReply) })
    },
    'GET redrive': async (request, reply) => {
      reply.send(taskReply(await broker.call('dlq.task', taskOf(request), callerOf(request))))
    },
    'DELETE redrive': async (request, reply) => {
      reply.send(taskReply(await broker.call('dlq.cancel', taskOf(request), callerOf(request))))
    },
  }
}

/** No body at all asks for everything. */
const bodyOf = ({ body }: Request): unknown =>
  Buffer.isBuffer(body) && body.length > 0 ? parseJson(bodyText(body)) : {}

const taskOf = ({ params }: Request) => ({ topic: topicOf(params), id: params.task })

function listOf(given: unknown, topic: string) {
  const query = new Query(given)
  const reason = DEATH_REASONS.find((each) => each === query.text('reason'))
  if (query.text('reason') !== undefined && reason === undefined) {
    query.refuse('reason', `must be one of ${DEATH_REASONS.join(', ')}`)
  }
  const cursor = query.text('cursor')
  const positions = !cursor ? undefined : decodeCursor(cursor, deadLetterTopicOf(topic))
  if (cursor && positions === undefined) {
    query.refuse('cursor', 'is none of this topic')
  }
  const filter = { reason, group: query.text('group'), key: query.text('key') }
  const limit = query.integer('limit', { min: 1, max: LIMITS.readMessagesMax }) ?? DEFAULT_LIMIT
  query.throwIfAny()
  return { filter, limit, positions }
}

function filterOf({ filter = {} }: RedriveBody): RedriveFilter {
  const { reason, group, key, from_time, to_time } = filter
  const timeOf = (name: string, text: string | undefined): number | undefined => {
    if (text === undefined) return undefined
    const timeMs = parseTimeMs(text)
    if (timeMs !== undefined) return timeMs
    throw invalid('the request', { [`filter.${name}`]: 'must be an RFC 3339 time' })
  }
  return {
    reason,
    group,
    key,
    fromMs: timeOf('from_time', from_time),
    toMs: timeOf('to_time', to_time),
  }
}

type Letter = DeadLettersReply['messages'][number]
type Mark = NonNullable<DeadLetter['mark']>

function letterReply(letter: DeadLetter): Letter {
  const { partition, offset, timestampMs, mark, record } = letter
  const headers = Object.entries(record.extension?.headers ?? {}).filter(
    ([name]) => !name.startsWith('goqueue-'),
  )
  return {
    partition,
    offset,
    timestamp: formatTime(timestampMs),
    ...contentOf(letter),
    priority: priorityName(record.priority),
    ...(headers.length === 0 ? {} : { headers: Object.fromEntries(headers) }),
    ...(mark === undefined ? NOBODYS : historyOf(mark)),
  }
}

function contentOf({ key, value }: DeadLetter): Pick<Letter, 'key' | 'value' | 'encoding'> {
  const isText = [key, value].every((each) => !each || isUtf8(each))
  const encoding = isText ? 'utf8' : 'base64'
  const content = { key: key?.toString(encoding) ?? null, value: value?.toString(encoding) ?? null }
  return isText ? content : { ...content, encoding: 'base64' }
}

type History = Omit<
  Letter,
  'partition' | 'offset' | 'timestamp' | 'key' | 'value' | 'encoding' | 'priority' | 'headers'
>

/** Of what somebody else has written there. */
const NOBODYS: History = {
  original: null,
  record: null,
  group: null,
  reason: null,
  cause: null,
  error: '',
  delivery_count: 0,
  failures: 0,
  redrives: 0,
  first_failed_at: null,
  last_failed_at: null,
}

function historyOf(mark: Mark): History {
  const { group, reason, cause, error, delivery_count, failures, redrives } = mark
  return {
    original: placeOf(mark.original),
    record: placeOf(mark.record),
    group,
    reason,
    cause,
    error,
    delivery_count,
    failures,
    redrives,
    first_failed_at: formatTime(mark.first_failed_at),
    last_failed_at: formatTime(mark.last_failed_at),
  }
}

const placeOf = (place: Mark['original']): Letter['original'] => ({
  ...place,
  timestamp: formatTime(place.timestamp),
})

const taskReply = (task: Task): TaskReply => ({
  task_id: task.id,
  topic: task.topic,
  state: task.state,
  dry_run: task.dryRun,
  matched: task.matched,
  redriven: task.redriven,
  failed_again: task.failedAgain,
  rate: task.rate,
  limit: task.limit ?? null,
  ...(task.error === undefined ? {} : { error: task.error }),
  created_at: formatTime(task.createdAtMs),
  ended_at: task.endedAtMs === undefined ? null : formatTime(task.endedAtMs),
})
