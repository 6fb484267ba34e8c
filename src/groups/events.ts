/**
 * What is asked of the coordinator and what its journal remembers.
 *
 * Heartbeats are not here: who is alive is known to the process alone, and after a restart everybody has one
 * whole session to re-appear. An assignment is not here either: it follows from members and partition counts.
 */
import type { AssignmentName } from './assignors.ts'

/** ack: poll hands out leases; offset: members commit what they have read. Fixed with the group's first join. */
const GROUP_MODES = ['ack', 'offset'] as const
export type GroupMode = (typeof GROUP_MODES)[number]

/** Where to begin where there is no floor, or the floor can no longer be read. */
const OFFSET_RESETS = ['earliest', 'latest'] as const
export type OffsetReset = (typeof OFFSET_RESETS)[number]

/** What the catalogue says of a topic; a topic that does not exist has id 0 and 0 partitions. */
export interface TopicFact {
  readonly name: string
  /** Never reused: a topic made again under an old name has another one, and none of the old floors. */
  readonly id: number
  readonly partitions: number
}

export const missingTopic = (name: string): TopicFact => ({ name, id: 0, partitions: 0 })

export interface Floor {
  readonly topic: string
  readonly partition: number
  /** Everything below is settled. */
  readonly offset: number
}

/** What a member says of itself when it joins. */
export interface Membership {
  readonly memberId: string
  readonly clientId: string
  /** Ascending, each once. */
  readonly topics: readonly string[]
  readonly sessionTimeoutMs: number
  readonly offsetReset: OffsetReset
}

export type GroupCommand =
  | {
      readonly kind: 'join'
      readonly group: string
      readonly member: Membership
      /** Undefined takes the group's own, for a new group `ack`. */
      readonly mode: GroupMode | undefined
      /** Undefined takes the group's own, for a new group `range`. */
      readonly assignment: AssignmentName | undefined
      /** One for each topic of the subscription. */
      readonly facts: readonly TopicFact[]
    }
  | { readonly kind: 'leave'; readonly group: string; readonly memberId: string }
  | { readonly kind: 'evict'; readonly group: string; readonly memberIds: readonly string[] }
  | {
      readonly kind: 'commit'
      readonly group: string
      readonly memberId: string
      /** Undefined: whichever it is now; the assignment still decides. */
      readonly generation: number | undefined
      readonly floors: readonly Floor[]
    }
  | {
      readonly kind: 'reset'
      readonly group: string
      readonly fact: TopicFact
      readonly floors: readonly { readonly partition: number; readonly offset: number }[]
    }
  /** The log ends below these floors: they are brought back to its end. */
  | {
      readonly kind: 'shorten'
      readonly group: string
      readonly fact: TopicFact
      readonly floors: readonly { readonly partition: number; readonly offset: number }[]
    }
  | { readonly kind: 'delete'; readonly group: string }
  | { readonly kind: 'expire'; readonly groups: readonly string[]; readonly retentionMs: number }
  | { readonly kind: 'topicChanged'; readonly fact: TopicFact }

/** What a commit or a reset did to one floor; `before` is null where there was none. */
export interface FloorChange extends Floor {
  readonly before: number | null
}

/** Empty for all commands but commit and reset. */
export type GroupReply = readonly FloorChange[]

/** What happens inside a group that exists. */
export type EventInGroup =
  | { readonly type: 'assignmentSet'; readonly group: string; readonly assignment: AssignmentName }
  | {
      readonly type: 'joined'
      readonly group: string
      /** The group's from here on; the one before where nothing moves. */
      readonly generation: number
      readonly member: Membership
      readonly facts: readonly TopicFact[]
      readonly atMs: number
    }
  | {
      readonly type: 'left'
      readonly group: string
      readonly generation: number
      readonly memberIds: readonly string[]
      readonly reason: 'left' | 'evicted'
      readonly atMs: number
    }
  | {
      readonly type: 'committed'
      readonly group: string
      readonly floors: readonly Floor[]
      readonly atMs: number
    }
  | {
      readonly type: 'reset'
      readonly group: string
      readonly fact: TopicFact
      readonly floors: readonly Floor[]
      readonly atMs: number
    }

export type GroupEvent =
  | {
      readonly type: 'created'
      readonly group: string
      readonly mode: GroupMode
      readonly assignment: AssignmentName
      readonly atMs: number
    }
  | { readonly type: 'deleted'; readonly group: string }
  | { readonly type: 'topic'; readonly fact: TopicFact }
  | EventInGroup
