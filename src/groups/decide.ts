/**
 * What each command leads to: reads a group, changes nothing, refuses by throwing.
 *
 * A join, a leave, an eviction and a change of topics end a generation. A member that joins again as it was does
 * not: it is told where the group is now.
 */
import { BrokerError } from '../kernel/errors.ts'
import { LIMITS } from '../kernel/limits.ts'
import type { Decision } from '../state/index.ts'
import type { AssignmentName } from './assignors.ts'
import type {
  FloorChange,
  GroupCommand,
  GroupEvent,
  GroupMode,
  GroupReply,
  Membership,
  TopicFact,
} from './events.ts'
import type { Group, Member } from './group.ts'

export type Groups = ReadonlyMap<string, Group>

/** All groups, and how many members they have together. */
export interface Census {
  readonly groups: Groups
  readonly members: number
}

type Decided = Decision<GroupEvent, GroupReply>
type CommandOf<K extends GroupCommand['kind']> = Extract<GroupCommand, { kind: K }>

const NOTHING: Decided = { events: [], reply: [] }
const only = (...events: GroupEvent[]): Decided => ({ events, reply: [] })

/** The group, or throws GROUP_NOT_FOUND. */
export function groupOf(groups: Groups, id: string): Group {
  const group = groups.get(id)
  if (group === undefined) throw new BrokerError('GROUP_NOT_FOUND', `there is no group ${id}`)
  return group
}

/** The member, or throws UNKNOWN_MEMBER. */
export function memberOf(group: Group, memberId: string): Member {
  const member = group.members.get(memberId)
  if (member !== undefined) return member
  throw new BrokerError('UNKNOWN_MEMBER', `group ${group.id} has no member ${memberId}: join again`)
}

/** Throws STALE_GENERATION where the generation is not the group's. */
export function checkGeneration(group: Group, generation: number): void {
  if (generation === group.generation) return
  throw new BrokerError(
    'STALE_GENERATION',
    `group ${group.id} is at generation ${group.generation}, not ${generation}: join again`,
  )
}

/** Throws NOT_ASSIGNED where the partition is not the member's. */
export function checkAssigned(
  group: Group,
  memberId: string,
  place: { readonly topic: string; readonly partition: number },
): void {
  if (group.isAssigned(memberId, place.topic, place.partition)) return
  const name = `${place.topic}-${place.partition}`
  throw new BrokerError('NOT_ASSIGNED', `${name} is not assigned to member ${memberId}`, {
    fields: { [name]: 'not assigned to this member' },
  })
}

export function decideJoin(census: Census, command: CommandOf<'join'>, atMs: number): Decided {
  const { groups, members } = census
  const group = groups.get(command.group)
  const isNew = !group?.members.has(command.member.memberId)
  if (isNew && members >= LIMITS.membersMax) {
    throw new BrokerError('LIMIT_REACHED', `the broker has ${LIMITS.membersMax} members, its most`)
  }
  return group === undefined
    ? decideFirstJoin(groups, command, atMs)
    : decideLaterJoin(group, command, atMs)
}

function decideFirstJoin(groups: Groups, command: CommandOf<'join'>, atMs: number): Decided {
  if (groups.size >= LIMITS.groupsMax) {
    throw new BrokerError('LIMIT_REACHED', `the broker has ${LIMITS.groupsMax} groups, its most`)
  }
  const { group, member, facts, mode = 'ack', assignment = 'range' } = command
  checkPair(mode, assignment)
  return only(
    { type: 'created', group, mode, assignment, atMs },
    { type: 'joined', group, generation: 1, member, facts, atMs },
  )
}

function decideLaterJoin(group: Group, command: CommandOf<'join'>, atMs: number): Decided {
  const { member, facts, assignment = group.assignment } = command
  checkMode(group, command)
  checkRoom(group, member.memberId)
  const events: GroupEvent[] = []
  let generation = group.generation
  for (const fact of facts) {
    if (!group.differs(fact)) continue
    events.push({ type: 'topic', fact })
    // apply() ends the generation of each group with subscribers.
    if ((group.topics.get(fact.name)?.subscribers ?? 0) > 0) generation += 1
  }
  const reassigned = assignment !== group.assignment
  if (reassigned) events.push({ type: 'assignmentSet', group: group.id, assignment })
  const before = group.members.get(member.memberId)
  const moved = reassigned || before === undefined || !sameTopics(before, member)
  if (moved) generation += 1
  if (moved || !sameMembership(before, member)) {
    events.push({ type: 'joined', group: group.id, generation, member, facts, atMs })
  }
  return only(...events)
}

const sameTopics = (a: Membership, b: Membership): boolean =>
  a.topics.length === b.topics.length && a.topics.every((topic, i) => topic === b.topics[i])

const sameMembership = (a: Membership, b: Membership): boolean =>
  a.clientId === b.clientId &&
  a.sessionTimeoutMs === b.sessionTimeoutMs &&
  a.offsetReset === b.offsetReset &&
  sameTopics(a, b)

function checkPair(mode: GroupMode, assignment: AssignmentName): void {
  if (mode === 'ack' || assignment !== 'shared') return
  throw new BrokerError(
    'INVALID_CONFIG',
    'assignment "shared" needs mode "ack": members that share a partition cannot share one floor',
    { fields: { assignment: 'must be "range" in mode "offset"' } },
  )
}

/** The mode is for ever; the assignment may change as long as nobody else relies on it. */
function checkMode(group: Group, command: CommandOf<'join'>): void {
  const { mode, assignment } = command
  if (mode !== undefined && mode !== group.mode) {
    throw new BrokerError('GROUP_MODE_CONFLICT', `group ${group.id} is in mode ${group.mode}`, {
      fields: { mode: `is ${group.mode} since the group's first join` },
    })
  }
  if (assignment === undefined || assignment === group.assignment) return
  checkPair(group.mode, assignment)
  const alone = [...group.members.keys()].every((id) => id === command.member.memberId)
  if (alone) return
  throw new BrokerError(
    'GROUP_MODE_CONFLICT',
    `the members of group ${group.id} use assignment ${group.assignment}`,
    { fields: { assignment: `is ${group.assignment} while others are members` } },
  )
}

function checkRoom(group: Group, memberId: string): void {
  if (group.members.has(memberId) || group.members.size < LIMITS.groupMembersMax) return
  throw new BrokerError(
    'GROUP_FULL',
    `group ${group.id} has ${LIMITS.groupMembersMax} members, its most`,
  )
}

export function decideLeave(groups: Groups, command: CommandOf<'leave'>, atMs: number): Decided {
  const group = groupOf(groups, command.group)
  memberOf(group, command.memberId)
  return only(left(group, [command.memberId], 'left', atMs))
}

/** Takes those who are still there; never refuses. */
export function decideEvict(groups: Groups, command: CommandOf<'evict'>, atMs: number): Decided {
  const group = groups.get(command.group)
  const memberIds = command.memberIds.filter((id) => group?.members.has(id))
  if (group === undefined || memberIds.length === 0) return NOTHING
  return only(left(group, memberIds, 'evicted', atMs))
}

const left = (
  group: Group,
  memberIds: readonly string[],
  reason: 'left' | 'evicted',
  atMs: number,
): GroupEvent => ({
  type: 'left',
  group: group.id,
  generation: group.generation + 1,
  memberIds,
  reason,
  atMs,
})

/** A floor that would go back stays where it is: the reply says where. */
export function decideCommit(groups: Groups, command: CommandOf<'commit'>, atMs: number): Decided {
  const group = groupOf(groups, command.group)
  memberOf(group, command.memberId)
  if (command.generation !== undefined) checkGeneration(group, command.generation)
  for (const floor of command.floors) checkAssigned(group, command.memberId, floor)
  const reply = command.floors.map(({ topic, partition, offset }): FloorChange => {
    const before = group.floor(topic, partition) ?? null
    return { topic, partition, offset: Math.max(before ?? 0, offset), before }
  })
  const floors = reply
    .filter(({ before, offset }) => before !== offset)
    .map(({ topic, partition, offset }) => ({ topic, partition, offset }))
  if (floors.length === 0) return { events: [], reply }
  return { events: [{ type: 'committed', group: group.id, floors, atMs }], reply }
}

export function decideReset(groups: Groups, command: CommandOf<'reset'>, atMs: number): Decided {
  const group = groupOf(groups, command.group)
  const { fact } = command
  checkPartitions(fact, command.floors)
  const held = command.floors.filter(({ partition }) => group.holderOf(fact.name, partition))
  if (held.length > 0) {
    throw new BrokerError(
      'PARTITION_HELD',
      `${held.length} partitions of ${fact.name} are assigned to members of group ${group.id}`,
      {
        fields: Object.fromEntries(
          held.map(({ partition }) => [
            `${fact.name}-${partition}`,
            `assigned to ${group.holderOf(fact.name, partition)}`,
          ]),
        ),
      },
    )
  }
  const known = group.topics.get(fact.name)
  const sameTopic = known?.id === fact.id
  const reply = command.floors.map(
    ({ partition, offset }): FloorChange => ({
      topic: fact.name,
      partition,
      offset,
      before: (sameTopic ? known.floors.get(partition) : undefined) ?? null,
    }),
  )
  const floors = reply.map(({ topic, partition, offset }) => ({ topic, partition, offset }))
  const events: GroupEvent[] = group.differs(fact) ? [{ type: 'topic', fact }] : []
  events.push({ type: 'reset', group: group.id, fact, floors, atMs })
  return { events, reply }
}

/** Whoever holds them: what they had read is not there any more. */
export function decideShorten(
  groups: Groups,
  { group: id, fact, floors }: CommandOf<'shorten'>,
  atMs: number,
): Decided {
  const group = groupOf(groups, id)
  const ends = floors
    .map((floor) => ({ topic: fact.name, ...floor }))
    .filter(({ topic, partition, offset }) => (group.floor(topic, partition) ?? 0) > offset)
  if (ends.length === 0) return NOTHING
  return only({ type: 'reset', group: id, fact, floors: ends, atMs })
}

/** Throws TOPIC_NOT_FOUND or PARTITION_NOT_FOUND. */
export function checkPartitions(
  { name, id, partitions }: TopicFact,
  places: readonly { readonly partition: number }[],
): void {
  if (id === 0) throw new BrokerError('TOPIC_NOT_FOUND', `there is no topic ${name}`)
  const unknown = places.find(({ partition }) => partition < 0 || partition >= partitions)
  if (unknown === undefined) return
  throw new BrokerError(
    'PARTITION_NOT_FOUND',
    `topic ${name} has partitions 0 to ${partitions - 1}, not ${unknown.partition}`,
  )
}

export function decideDelete(groups: Groups, command: CommandOf<'delete'>): Decided {
  const group = groupOf(groups, command.group)
  if (group.members.size > 0) {
    throw new BrokerError('GROUP_NOT_EMPTY', `group ${group.id} has ${group.members.size} members`)
  }
  return only({ type: 'deleted', group: group.id })
}

/** Whether an empty group has been left alone for its whole retention. */
export const isExpired = (group: Group, nowMs: number, retentionMs: number): boolean =>
  group.members.size === 0 && nowMs - group.touchedMs >= retentionMs

export function decideExpire(groups: Groups, command: CommandOf<'expire'>, nowMs: number): Decided {
  const expired = command.groups.filter((id) => {
    const group = groups.get(id)
    return group !== undefined && isExpired(group, nowMs, command.retentionMs)
  })
  return only(...expired.map((group): GroupEvent => ({ type: 'deleted', group })))
}

export function decideTopicChanged(groups: Groups, command: CommandOf<'topicChanged'>): Decided {
  for (const group of groups.values()) {
    if (group.differs(command.fact)) return only({ type: 'topic', fact: command.fact })
  }
  return NOTHING
}
