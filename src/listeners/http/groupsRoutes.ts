/** Consumer groups: membership, floors, and what is told of them. */
import type { FastifyReply } from 'fastify'
import {
  CommitBody,
  checkerOf,
  type Floors,
  formatTime,
  type GroupReply,
  HeartbeatBody,
  type HeartbeatReply,
  invalid,
  JoinBody,
  type JoinReply,
  LeaveBody,
  parseTimeMs,
  ResetBody,
  type ResetReply,
} from '../../api/index.ts'
import {
  type FloorChange,
  type JoinRequest,
  type Operations,
  partitionNames,
  type ResetTo,
} from '../../broker/index.ts'
import { formatDurationMs, parseDurationMs } from '../../kernel/duration.ts'
import { callerOf } from './caller.ts'
import { fetchInGroup, fetchRecords } from './groupsFetch.ts'
import { pollGroup } from './groupsPoll.ts'
import { bodyText, parseJson } from './json.ts'
import { groupOf, Query } from './query.ts'
import type { Request, RouteContext, Routes } from './routes.ts'

const checkJoin = checkerOf('the request', JoinBody)
const checkHeartbeat = checkerOf('the request', HeartbeatBody)
const checkLeave = checkerOf('the request', LeaveBody)
const checkCommit = checkerOf('the request', CommitBody)
const checkReset = checkerOf('the request', ResetBody)

export function groupsRoutes(context: RouteContext): Routes {
  const { broker } = context
  return {
    'GET groups': async (request, reply) => {
      reply.send({ groups: await broker.call('groups.list', {}, callerOf(request)) })
    },
    'GET group': async (request, reply) => {
      const group = groupOf(request.params)
      reply.send(groupReply(await broker.call('groups.describe', { group }, callerOf(request))))
    },
    'DELETE group': async (request, reply) => {
      await broker.call('groups.delete', { group: groupOf(request.params) }, callerOf(request))
      reply.send({ deleted: true })
    },
    'POST groupJoin': (request, reply) => join(context, request, reply),
    'POST groupHeartbeat': (request, reply) => heartbeat(context, request, reply),
    'POST groupLeave': async (request, reply) => {
      const { member_id: memberId } = checkLeave(parseJson(bodyText(request.body)))
      const input = { group: groupOf(request.params), memberId }
      await broker.call('groups.leave', input, callerOf(request))
      reply.send({ left: true })
    },
    'GET groupPoll': (request, reply) => pollGroup(context, request, reply),
    'GET groupOffsets': (request, reply) => offsets(context, request, reply),
    'POST groupOffsets': (request, reply) => commit(context, request, reply),
    'POST groupOffsetsReset': (request, reply) => reset(context, request, reply),
    'POST groupFetch': (request, reply) => fetchInGroup(context, request, reply),
    'POST fetch': (request, reply) => fetchRecords(context, request, reply),
  }
}

async function join(
  { broker }: RouteContext,
  request: Request,
  reply: FastifyReply,
): Promise<void> {
  const input = joinOf(groupOf(request.params), checkJoin(parseJson(bodyText(request.body))))
  const joined = await broker.call('groups.join', input, callerOf(request))
  const { memberId, generation, isLeader, partitions, state, unknownTopics } = joined
  reply.send({
    member_id: memberId,
    generation,
    leader: isLeader,
    assigned_partitions: partitionNames(partitions),
    rebalance_required: false,
    state,
    ...(unknownTopics.length === 0 ? {} : { unknown_topics: [...unknownTopics] }),
  } satisfies JoinReply)
}

const joinOf = (group: string, body: JoinBody): JoinRequest => ({
  group,
  clientId: body.client_id,
  topics: body.topics,
  // What is no duration is no number either, and refused as one that is out of range.
  sessionTimeoutMs:
    body.session_timeout === undefined
      ? undefined
      : (parseDurationMs(body.session_timeout) ?? Number.NaN),
  mode: body.mode,
  assignment: body.assignment,
  memberId: body.member_id,
  offsetReset: body.auto_offset_reset,
})

async function heartbeat(
  { broker }: RouteContext,
  request: Request,
  reply: FastifyReply,
): Promise<void> {
  const { member_id: memberId, generation } = checkHeartbeat(parseJson(bodyText(request.body)))
  const input = { group: groupOf(request.params), memberId, generation }
  const member = await broker.call('groups.heartbeat', input, callerOf(request))
  reply.send({
    rebalance_required: false,
    state: member.state,
    generation: member.generation,
    assigned_partitions: partitionNames(member.partitions),
  } satisfies HeartbeatReply)
}

async function offsets(
  { broker }: RouteContext,
  request: Request,
  reply: FastifyReply,
): Promise<void> {
  const query = new Query(request.query)
  const topic = query.text('topic')
  query.throwIfAny()
  const input = { group: groupOf(request.params), topic }
  const committed = await broker.call('groups.offsets', input, callerOf(request))
  const byTopic = [...committed].map(([name, floors]) => [name, Object.fromEntries(floors)])
  reply.send({ offsets: Object.fromEntries(byTopic) })
}

async function commit(
  { broker }: RouteContext,
  request: Request,
  reply: FastifyReply,
): Promise<void> {
  const body = checkCommit(parseJson(bodyText(request.body)))
  const { member_id: memberId, generation } = body
  const input = {
    group: groupOf(request.params),
    memberId,
    generation,
    floors: floorsOf(body.offsets),
  }
  const changes = await broker.call('groups.commit', input, callerOf(request))
  const floors = byPartition(changes, ({ offset }) => offset)
  reply.send({ committed: true, offsets: floors })
}

const PARTITION = /^(?:0|[1-9]\d{0,8})$/

function floorsOf(offsets: Floors) {
  const wrong: Record<string, string> = {}
  const floors = Object.entries(offsets).flatMap(([topic, partitions]) =>
    Object.entries(partitions).map(([partition, offset]) => {
      if (!PARTITION.test(partition)) {
        wrong[`offsets.${topic}.${partition}`] = 'must be under the number of a partition'
      }
      return { topic, partition: Number(partition), offset }
    }),
  )
  if (Object.keys(wrong).length > 0) throw invalid('the request', wrong)
  return floors
}

async function reset(
  { broker }: RouteContext,
  request: Request,
  reply: FastifyReply,
): Promise<void> {
  const body = checkReset(parseJson(bodyText(request.body)))
  const { topic, partitions, dry_run: dryRun = false } = body
  const group = groupOf(request.params)
  const input = { group, topic, partitions, to: targetOf(body.to), dryRun }
  const changes = await broker.call('groups.reset', input, callerOf(request))
  const moved = byPartition(changes, ({ before, offset }) => ({ before, after: offset }))
  reply.send({ offsets: moved, dry_run: dryRun } satisfies ResetReply)
}

function targetOf(to: ResetBody['to']): ResetTo {
  if (typeof to === 'string') return { at: to }
  if ('offset' in to) return { offset: to.offset }
  const timeMs = parseTimeMs(to.time)
  if (timeMs !== undefined) return { timeMs }
  throw invalid('the request', { 'to.time': 'must be an RFC 3339 time' })
}

function byPartition<T>(
  changes: readonly FloorChange[],
  tell: (change: FloorChange) => T,
): Record<string, Record<string, T>> {
  const topics: Record<string, Record<string, T>> = {}
  for (const change of changes) {
    topics[change.topic] ??= {}
    Object.assign(topics[change.topic] ?? {}, { [change.partition]: tell(change) })
  }
  return topics
}

type Described = Operations['groups.describe']['output']

function deliveryReply({ delivery }: Described): Pick<GroupReply, 'delivery'> {
  if (delivery === undefined) return {}
  const { windows, inFlight, limitedMembers } = delivery
  const sum = (figure: 'inFlight' | 'unresolved' | 'dying'): number =>
    windows.reduce((total, window) => total + window[figure], 0)
  const limited = windows.filter(({ isLimited }) => isLimited)
  return {
    delivery: {
      in_flight: sum('inFlight'),
      unresolved: sum('unresolved'),
      dying: sum('dying'),
      in_flight_by_member: Object.fromEntries(inFlight),
      limited_partitions: limited.map(({ topic, partition }) => `${topic}-${partition}`),
      limited_members: [...limitedMembers],
    },
  }
}

function groupReply(view: Described): GroupReply {
  const lag: GroupReply['lag'] = {}
  for (const [topic, partitions] of view.topics) {
    const serving = partitions.filter((each) => each.lag !== undefined)
    lag[topic] = Object.fromEntries(serving.map((each) => [each.partition, each.lag ?? 0]))
  }
  return {
    group_id: view.id,
    state: view.state,
    mode: view.mode,
    generation: view.generation,
    protocol: view.assignment,
    created_at: formatTime(view.createdAtMs),
    members: view.members.map((member) => ({
      member_id: member.memberId,
      client_id: member.clientId,
      topics: [...member.topics],
      assigned_partitions: partitionNames(member.partitions),
      session_timeout: formatDurationMs(member.sessionTimeoutMs),
      last_heartbeat: formatTime(member.lastHeartbeatMs),
      joined_at: formatTime(member.joinedAtMs),
    })),
    lag,
    ...deliveryReply(view),
  }
}
