/**
 * One group as the journal tells it: members, subscriptions, floors. Only apply() of the machine changes it.
 *
 * The assignment is computed when it is first asked for after a change. Topics are kept while somebody subscribes
 * to them or they have a floor.
 */
import {
  ASSIGNORS,
  type Assignment,
  type AssignmentName,
  type MemberPartitions,
  NO_PARTITIONS,
} from './assignors.ts'
import type { Floor, GroupMode, Membership, TopicFact } from './events.ts'

export interface Member extends Membership {
  readonly joinedAtMs: number
}

export interface GroupTopic {
  id: number
  partitions: number
  /** Members that subscribe to it. */
  subscribers: number
  readonly floors: Map<number, number>
}

interface TopicSnapshot extends TopicFact {
  /** Pairs of partition and offset. */
  readonly floors: readonly (readonly number[])[]
}

export interface GroupSnapshot {
  readonly id: string
  readonly mode: GroupMode
  readonly assignment: AssignmentName
  readonly generation: number
  readonly createdAtMs: number
  readonly touchedMs: number
  readonly members: readonly Member[]
  readonly topics: readonly TopicSnapshot[]
}

export class Group {
  readonly id: string
  readonly mode: GroupMode
  readonly createdAtMs: number
  assignment: AssignmentName
  generation = 0
  /** Wall time of the last join, leave, commit or reset: from here an empty group's retention counts. */
  touchedMs: number
  /** In the order of their joining; the first leads. */
  readonly #members = new Map<string, Member>()
  readonly #topics = new Map<string, GroupTopic>()
  #assigned: Assignment | undefined

  constructor(id: string, mode: GroupMode, assignment: AssignmentName, createdAtMs: number) {
    this.id = id
    this.mode = mode
    this.assignment = assignment
    this.createdAtMs = createdAtMs
    this.touchedMs = createdAtMs
  }

  get members(): ReadonlyMap<string, Member> {
    return this.#members
  }

  get topics(): ReadonlyMap<string, Readonly<GroupTopic>> {
    return this.#topics
  }

  get leaderId(): string | undefined {
    return this.#members.keys().next().value
  }

  assigned(): Assignment {
    this.#assigned ??= ASSIGNORS[this.assignment](
      this.#members.values(),
      (topic) => this.#topics.get(topic)?.partitions ?? 0,
    )
    return this.#assigned
  }

  assignedTo(memberId: string): MemberPartitions {
    return this.assigned().get(memberId) ?? NO_PARTITIONS
  }

  isAssigned(memberId: string, topic: string, partition: number): boolean {
    return this.assignedTo(memberId).get(topic)?.has(partition) ?? false
  }

  /** A member that is assigned the partition; undefined where nobody is. */
  holderOf(topic: string, partition: number): string | undefined {
    for (const [memberId, partitions] of this.assigned()) {
      if (partitions.get(topic)?.has(partition)) return memberId
    }
    return undefined
  }

  floor(topic: string, partition: number): number | undefined {
    return this.#topics.get(topic)?.floors.get(partition)
  }

  putMember(member: Member, facts: readonly TopicFact[]): void {
    const before = this.#members.get(member.memberId)
    this.#members.set(member.memberId, member)
    for (const fact of facts) this.#learn(fact).subscribers += 1
    if (before !== undefined) this.#unsubscribe(before)
    this.#assigned = undefined
  }

  removeMember(memberId: string): void {
    const member = this.#members.get(memberId)
    if (member === undefined) return
    this.#members.delete(memberId)
    this.#unsubscribe(member)
    this.#assigned = undefined
  }

  setAssignment(assignment: AssignmentName): void {
    this.assignment = assignment
    this.#assigned = undefined
  }

  /** True where the topic is one of the group's and is not as `fact` has it. */
  differs(fact: TopicFact): boolean {
    const topic = this.#topics.get(fact.name)
    return topic !== undefined && (topic.id !== fact.id || topic.partitions !== fact.partitions)
  }

  /** Takes over what the catalogue says; a topic that is gone, or is another one, has no floors. */
  changeTopic(fact: TopicFact): void {
    this.#learn(fact)
    this.#forgetUnused(fact.name)
    this.#assigned = undefined
  }

  /** Where the topic is not the group's (any more) this does nothing. */
  setFloor({ topic, partition, offset }: Floor): void {
    this.#topics.get(topic)?.floors.set(partition, offset)
  }

  /** Sets floors of a topic that the group need not know yet. */
  resetFloors(fact: TopicFact, floors: readonly Floor[]): void {
    this.#learn(fact)
    for (const floor of floors) this.setFloor(floor)
    this.#forgetUnused(fact.name)
  }

  snapshot(): GroupSnapshot {
    return {
      id: this.id,
      mode: this.mode,
      assignment: this.assignment,
      generation: this.generation,
      createdAtMs: this.createdAtMs,
      touchedMs: this.touchedMs,
      members: [...this.#members.values()],
      topics: [...this.#topics].map(([name, { id, partitions, floors }]) => ({
        name,
        id,
        partitions,
        floors: [...floors],
      })),
    }
  }

  static restore(from: GroupSnapshot): Group {
    const group = new Group(from.id, from.mode, from.assignment, from.createdAtMs)
    group.generation = from.generation
    group.touchedMs = from.touchedMs
    for (const { floors, ...fact } of from.topics) {
      group.#learn(fact)
      for (const [partition = 0, offset = 0] of floors) {
        group.setFloor({ topic: fact.name, partition, offset })
      }
    }
    for (const member of from.members) {
      group.#members.set(member.memberId, member)
      for (const name of member.topics) group.#count(name, 1)
    }
    return group
  }

  #learn({ name, id, partitions }: TopicFact): GroupTopic {
    const known = this.#topics.get(name)
    if (known === undefined) {
      const topic = { id, partitions, subscribers: 0, floors: new Map<number, number>() }
      this.#topics.set(name, topic)
      return topic
    }
    if (known.id !== id) known.floors.clear()
    known.id = id
    known.partitions = partitions
    return known
  }

  #count(name: string, by: number): void {
    const topic = this.#topics.get(name)
    if (topic !== undefined) topic.subscribers += by
  }

  #unsubscribe(member: Member): void {
    for (const name of member.topics) {
      this.#count(name, -1)
      this.#forgetUnused(name)
    }
  }

  #forgetUnused(name: string): void {
    const topic = this.#topics.get(name)
    if (topic?.subscribers === 0 && topic.floors.size === 0) this.#topics.delete(name)
  }
}
