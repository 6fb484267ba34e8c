/**
 * Who reads what: pure functions from members and partition counts to an assignment.
 *
 * range: each topic on its own. Its n partitions, in order, are cut into one run per subscribed member, members in
 *   order of their id; the first n mod m members get one more. 7 partitions, members a b c: a 0-2, b 3-4, c 5-6.
 *   Every partition has exactly one owner, and within a topic the members' shares differ by one at most.
 * shared: every member is assigned all partitions of its topics.
 *
 * Depends on nothing but its arguments, and not on their order, so that a replay gives the same assignment.
 */
export interface Subscriber {
  readonly memberId: string
  readonly topics: readonly string[]
}

/** Neighbouring partitions of one topic: two numbers, however many they are. */
export class PartitionRange {
  readonly from: number
  /** The first that is not in it any more. */
  readonly to: number

  constructor(from: number, to: number) {
    this.from = from
    this.to = to
  }

  get size(): number {
    return this.to - this.from
  }

  has(partition: number): boolean {
    return partition >= this.from && partition < this.to
  }

  *[Symbol.iterator](): Generator<number> {
    for (let partition = this.from; partition < this.to; partition += 1) yield partition
  }
}

/** Topic to its partitions, both ascending; a topic of which the member has none is left out. */
export type MemberPartitions = ReadonlyMap<string, PartitionRange>
/** Every member has an entry, be it empty. */
export type Assignment = ReadonlyMap<string, MemberPartitions>
export type Assignor = (
  members: Iterable<Subscriber>,
  partitionCount: (topic: string) => number,
) => Assignment

export const ASSIGNMENTS = ['range', 'shared'] as const
export type AssignmentName = (typeof ASSIGNMENTS)[number]

type Draft = Map<string, Map<string, PartitionRange>>

const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

interface Subscriptions {
  readonly draft: Draft
  /** Topics ascending, each with its members ascending. */
  readonly topics: readonly (readonly [topic: string, memberIds: readonly string[]])[]
}

function subscriptions(members: Iterable<Subscriber>): Subscriptions {
  const sorted = [...members].sort((a, b) => byCodeUnits(a.memberId, b.memberId))
  const draft: Draft = new Map()
  const subscribers = new Map<string, string[]>()
  for (const { memberId, topics } of sorted) {
    draft.set(memberId, new Map())
    for (const topic of topics) {
      const ids = subscribers.get(topic)
      if (ids === undefined) subscribers.set(topic, [memberId])
      else ids.push(memberId)
    }
  }
  return { draft, topics: [...subscribers].sort(([a], [b]) => byCodeUnits(a, b)) }
}

const range: Assignor = (members, partitionCount) => {
  const { draft, topics } = subscriptions(members)
  for (const [topic, memberIds] of topics) {
    const count = partitionCount(topic)
    const share = Math.floor(count / memberIds.length)
    const larger = count % memberIds.length
    let from = 0
    for (const [rank, memberId] of memberIds.entries()) {
      const to = from + share + (rank < larger ? 1 : 0)
      if (to > from) draft.get(memberId)?.set(topic, new PartitionRange(from, to))
      from = to
    }
  }
  return draft
}

const shared: Assignor = (members, partitionCount) => {
  const { draft, topics } = subscriptions(members)
  for (const [topic, memberIds] of topics) {
    const all = new PartitionRange(0, partitionCount(topic))
    if (all.size === 0) continue
    for (const memberId of memberIds) draft.get(memberId)?.set(topic, all)
  }
  return draft
}

export const ASSIGNORS: Readonly<Record<AssignmentName, Assignor>> = { range, shared }

/** `["orders-0", "orders-1"]`: how an assignment is written in the outer API. */
export const partitionNames = (partitions: MemberPartitions): string[] =>
  [...partitions].flatMap(([topic, range]) =>
    [...range].map((partition) => `${topic}-${partition}`),
  )

export const NO_PARTITIONS: MemberPartitions = new Map()
