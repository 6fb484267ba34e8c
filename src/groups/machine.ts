/**
 * The coordinator: every group of the broker as one state machine.
 *
 *   (none) --first join--> members --last leaves--> empty --join--> members
 *   empty --delete, or its retention passed--> (none)
 *
 * generation grows with each change of who reads what and never goes back while the group exists.
 * Invariants, after every event: a partition of a range group has one owner; a floor is the largest committed
 * offset since the last reset; subscribers of a topic = members that name it.
 */
import type { Decision, StateMachine } from '../state/index.ts'
import {
  decideCommit,
  decideDelete,
  decideEvict,
  decideExpire,
  decideJoin,
  decideLeave,
  decideReset,
  decideShorten,
  decideTopicChanged,
  groupOf,
} from './decide.ts'
import type { EventInGroup, GroupCommand, GroupEvent, GroupReply, TopicFact } from './events.ts'
import { Group, type GroupSnapshot } from './group.ts'

export interface GroupsSnapshot {
  readonly version: 1
  readonly groups: readonly GroupSnapshot[]
}

export class GroupsMachine
  implements StateMachine<GroupCommand, GroupEvent, GroupReply, GroupsSnapshot>
{
  readonly #groups = new Map<string, Group>()
  /** Of all groups together. */
  #members = 0

  get groups(): ReadonlyMap<string, Group> {
    return this.#groups
  }

  /** Throws GROUP_NOT_FOUND. */
  group(id: string): Group {
    return groupOf(this.#groups, id)
  }

  decide(command: GroupCommand, nowMs: number): Decision<GroupEvent, GroupReply> {
    switch (command.kind) {
      case 'join':
        return decideJoin({ groups: this.#groups, members: this.#members }, command, nowMs)
      case 'leave':
        return decideLeave(this.#groups, command, nowMs)
      case 'evict':
        return decideEvict(this.#groups, command, nowMs)
      case 'commit':
        return decideCommit(this.#groups, command, nowMs)
      case 'reset':
        return decideReset(this.#groups, command, nowMs)
      case 'shorten':
        return decideShorten(this.#groups, command, nowMs)
      case 'delete':
        return decideDelete(this.#groups, command)
      case 'expire':
        return decideExpire(this.#groups, command, nowMs)
      case 'topicChanged':
        return decideTopicChanged(this.#groups, command)
    }
  }

  apply(event: GroupEvent): void {
    if (event.type === 'created') {
      this.#groups.set(
        event.group,
        new Group(event.group, event.mode, event.assignment, event.atMs),
      )
      return
    }
    if (event.type === 'topic') {
      for (const group of this.#groups.values()) applyTopic(group, event.fact)
      return
    }
    const group = this.#groups.get(event.group)
    if (group === undefined) return
    this.#members -= group.members.size
    if (event.type === 'deleted') {
      this.#groups.delete(event.group)
      return
    }
    applyToGroup(group, event)
    this.#members += group.members.size
  }

  snapshot(): GroupsSnapshot {
    return {
      version: 1,
      groups: [...this.#groups.values()].map((group) => group.snapshot()),
    }
  }

  restore(snapshot: GroupsSnapshot): void {
    this.#groups.clear()
    this.#members = 0
    for (const each of snapshot.groups) {
      this.#groups.set(each.id, Group.restore(each))
      this.#members += each.members.length
    }
  }
}

function applyTopic(group: Group, fact: TopicFact): void {
  if (!group.differs(fact)) return
  const subscribed = (group.topics.get(fact.name)?.subscribers ?? 0) > 0
  group.changeTopic(fact)
  if (subscribed) group.generation += 1
}

function applyToGroup(group: Group, event: EventInGroup): void {
  switch (event.type) {
    case 'assignmentSet':
      group.setAssignment(event.assignment)
      return
    case 'joined': {
      const joinedAtMs = group.members.get(event.member.memberId)?.joinedAtMs ?? event.atMs
      group.putMember({ ...event.member, joinedAtMs }, event.facts)
      group.generation = event.generation
      group.touchedMs = event.atMs
      return
    }
    case 'left':
      for (const memberId of event.memberIds) group.removeMember(memberId)
      group.generation = event.generation
      group.touchedMs = event.atMs
      return
    case 'committed':
      for (const floor of event.floors) group.setFloor(floor)
      group.touchedMs = event.atMs
      return
    case 'reset':
      group.resetFloors(event.fact, event.floors)
      group.touchedMs = event.atMs
      return
  }
}
