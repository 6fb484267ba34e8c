/** What is told of a group: its members, who holds what, and how far behind it is. */
import type { AssignmentName, MemberPartitions } from './assignors.ts'
import type { Coordinator } from './coordinator.ts'
import type { GroupMode } from './events.ts'
import type { Group } from './group.ts'
import type { LiveGroup } from './live.ts'

/**
 * empty        no members
 * rebalancing  some member has not yet shown that it knows the current generation
 * stable       all have
 */
export type GroupState = 'empty' | 'stable' | 'rebalancing'

export interface MemberView {
  readonly memberId: string
  readonly clientId: string
  readonly topics: readonly string[]
  readonly partitions: MemberPartitions
  readonly sessionTimeoutMs: number
  /** Wall time of its last sign of life; of the broker's start where there was none since. */
  readonly lastHeartbeatMs: number
  readonly joinedAtMs: number
}

export interface PartitionProgress {
  readonly partition: number
  /** Undefined where nothing was committed. */
  readonly floor: number | undefined
  /** Records between the floor (or what is left of the log) and the end; undefined where the partition does not serve. */
  readonly lag: number | undefined
}

export interface GroupView {
  readonly id: string
  readonly state: GroupState
  readonly mode: GroupMode
  readonly assignment: AssignmentName
  readonly generation: number
  readonly createdAtMs: number
  readonly members: readonly MemberView[]
  readonly topics: ReadonlyMap<string, readonly PartitionProgress[]>
}

export function stateOf(group: Group, live: LiveGroup | undefined): GroupState {
  if (group.members.size === 0) return 'empty'
  return live?.sessions.settled ? 'stable' : 'rebalancing'
}

/** Throws GROUP_NOT_FOUND. */
export function viewOf(coordinator: Coordinator, id: string): GroupView {
  const group = coordinator.group(id)
  const live = coordinator.live(id)
  const members = [...group.members.values()].map((member): MemberView => {
    const { memberId, clientId, topics, sessionTimeoutMs, joinedAtMs } = member
    return {
      memberId,
      clientId,
      topics,
      partitions: group.assignedTo(memberId),
      sessionTimeoutMs,
      lastHeartbeatMs: live?.sessions.get(memberId)?.lastSeenMs ?? joinedAtMs,
      joinedAtMs,
    }
  })
  const topics = new Map<string, readonly PartitionProgress[]>()
  for (const [name, { partitions, floors }] of group.topics) {
    if (partitions === 0) continue
    topics.set(
      name,
      Array.from({ length: partitions }, (_, partition) => {
        const floor = floors.get(partition)
        return { partition, floor, lag: lagOf(coordinator, name, partition, floor) }
      }),
    )
  }
  const { mode, assignment, generation, createdAtMs } = group
  const state = stateOf(group, live)
  return { id, state, mode, assignment, generation, createdAtMs, members, topics }
}

function lagOf(
  { topics }: Coordinator,
  name: string,
  partition: number,
  floor: number | undefined,
): number | undefined {
  const source = topics.find(name)?.partitions[partition]
  if (!source?.isOpen) return undefined
  const { start, next } = source.offsets()
  return Math.max(0, next - Math.max(floor ?? start, start))
}
