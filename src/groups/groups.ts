/**
 * The consumer groups of a broker, as its callers see them.
 *
 * A reply is built after the journal has the change, from the group as it is by then: a member that joins while
 * others do is told the newest generation and need not come back for it.
 */
import type { AbortNotice } from '../kernel/caller.ts'
import type { HealthCheck } from '../kernel/health.ts'
import { Service } from '../kernel/service.ts'
import type { CommitAcks } from '../state/index.ts'
import type { MemberPartitions } from './assignors.ts'
import { Coordinator, type CoordinatorOptions, type GroupsMeters } from './coordinator.ts'
import { checkAssigned, checkGeneration, checkPartitions } from './decide.ts'
import type { Floor, FloorChange, GroupCommand } from './events.ts'
import { fetchAssigned, type GroupFetchRequest } from './fetch.ts'
import type { Group } from './group.ts'
import type { GroupNews } from './news.ts'
import { type Polled, type PollRequest, poll } from './poll.ts'
import { checkedMembership, type JoinRequest } from './request.ts'
import { type GroupView, stateOf, viewOf } from './view.ts'
import { attend, type Read, type Visit, visitOf } from './visit.ts'

export interface Membered {
  readonly memberId: string
  readonly generation: number
  readonly state: GroupView['state']
  /** The member that has been there longest. */
  readonly isLeader: boolean
  readonly partitions: MemberPartitions
  /** Topics of the subscription that do not exist (yet). */
  readonly unknownTopics: readonly string[]
}

export interface CommitRequest {
  readonly group: string
  readonly memberId: string
  /** Undefined: whichever it is now; the assignment still decides. */
  readonly generation?: number | undefined
  readonly floors: readonly Floor[]
  /** What the reply waits for; default `leader`. */
  readonly acks?: CommitAcks | undefined
}

export type ResetTo =
  | { readonly at: 'earliest' | 'latest' }
  /** Brought into the range of what can be read. */
  | { readonly offset: number }
  /** The first record at or after that time, or the end. */
  | { readonly timeMs: number }

export interface ResetRequest {
  readonly group: string
  readonly topic: string
  /** Default all. */
  readonly partitions?: readonly number[] | undefined
  readonly to: ResetTo
  readonly dryRun: boolean
}

const MEMBER_ID_DIGITS = 16

export class Groups extends Service {
  readonly #coordinator: Coordinator

  constructor(options: CoordinatorOptions) {
    super()
    this.#coordinator = new Coordinator(options)
  }

  get meters(): GroupsMeters {
    return this.#coordinator.meters
  }

  get count(): number {
    return this.#coordinator.groups.size
  }

  get memberCount(): number {
    return this.#coordinator.memberCount
  }

  /** Sorted. */
  names(): readonly string[] {
    return [...this.#coordinator.groups.keys()].sort()
  }

  /** Throws GROUP_NOT_FOUND. */
  get(id: string): Group {
    return this.#coordinator.group(id)
  }

  /** Throws GROUP_NOT_FOUND. */
  describe(id: string): GroupView {
    return viewOf(this.#coordinator, id)
  }

  /**
   * Makes a member, or finds it again: who comes back with its member id and its topics within its session is told
   * where the group is and disturbs nobody. Resolves when a crash of the process cannot undo it. Rejects with
   * INVALID_REQUEST, INVALID_TOPIC_NAME, GROUP_MODE_CONFLICT, INVALID_CONFIG, GROUP_FULL or LIMIT_REACHED.
   */
  async join(request: JoinRequest): Promise<Membered> {
    const asked = checkedMembership(request)
    const { group, mode, assignment } = request
    const memberId = asked.memberId || this.#newMemberId(group, asked.clientId)
    const facts = asked.topics.map((name) => this.#coordinator.fact(name))
    this.#coordinator.execute({
      kind: 'join',
      group,
      member: { ...asked, memberId },
      mode,
      assignment,
      facts,
    })
    this.#coordinator.visitor(group, memberId).live.cursors.forgetMember(memberId)
    await this.#coordinator.committed()
    return this.#membered(group, memberId)
  }

  /** Throws GROUP_NOT_FOUND, UNKNOWN_MEMBER, and STALE_GENERATION for a member that is behind: it joins again. */
  heartbeat(group: string, memberId: string, generation: number): Membered {
    checkGeneration(this.#coordinator.visitor(group, memberId).group, generation)
    return this.#membered(group, memberId)
  }

  /** Resolves when a crash of the process cannot undo it. Rejects with GROUP_NOT_FOUND or UNKNOWN_MEMBER. */
  async leave(group: string, memberId: string): Promise<void> {
    this.#coordinator.execute({ kind: 'leave', group, memberId })
    await this.#coordinator.committed()
  }

  /**
   * Raises floors; one that would go back stays. Resolves with where they are, when a crash of the process (for `all`
   * of the machine) cannot undo it. Rejects, and takes nothing, with GROUP_NOT_FOUND, UNKNOWN_MEMBER, STALE_GENERATION or NOT_ASSIGNED.
   */
  async commit(request: CommitRequest): Promise<readonly FloorChange[]> {
    const { group, memberId, generation, floors, acks } = request
    const { live, group: committing } = this.#coordinator.visitor(group, memberId)
    const changes = this.#coordinator.execute({
      kind: 'commit',
      group,
      memberId,
      generation,
      floors,
    })
    for (const change of changes) live.cursors.raise(committing, memberId, change)
    this.#coordinator.meters.commits += 1
    await this.#coordinator.committed(acks)
    return changes
  }

  /**
   * Moves floors of partitions that nobody holds, back too. Resolves with where they were and are, on disk. Rejects with
   * GROUP_NOT_FOUND, TOPIC_NOT_FOUND, PARTITION_NOT_FOUND or PARTITION_HELD. A dry run decides the same and
   * changes nothing.
   */
  async reset(request: ResetRequest): Promise<readonly FloorChange[]> {
    const { group, topic, to } = request
    this.get(group)
    const fact = this.#coordinator.fact(topic)
    const partitions = request.partitions ?? Array.from({ length: fact.partitions }, (_, p) => p)
    checkPartitions(
      fact,
      partitions.map((partition) => ({ partition })),
    )
    const floors = await Promise.all(
      [...new Set(partitions)].map(async (partition) => ({
        partition,
        offset: await this.#target(topic, partition, to),
      })),
    )
    const command: GroupCommand = { kind: 'reset', group, fact, floors }
    if (request.dryRun) return this.#coordinator.rehearse(command)
    const changes = this.#coordinator.execute(command)
    this.#coordinator.live(group)?.cursors.forgetTopic(topic)
    await this.#coordinator.committed('all')
    return changes
  }

  /** Resolves when the group and its floors are gone for good. Rejects with GROUP_NOT_FOUND or GROUP_NOT_EMPTY. */
  async delete(group: string): Promise<void> {
    this.#coordinator.execute({ kind: 'delete', group })
    await this.#coordinator.committed('all')
  }

  /** Checks what {@link commit} checks and counts it, for whoever then commits in another way. Returns the group. */
  admitCommit({ group, memberId, generation, floors }: CommitRequest): Group {
    const visitor = this.#coordinator.visitor(group, memberId)
    if (generation !== undefined) checkGeneration(visitor.group, generation)
    for (const floor of floors) checkAssigned(visitor.group, memberId, floor)
    this.meters.commits += 1
    return visitor.group
  }

  /** Resolves when all that was changed so far survives the process, for `all` the machine. */
  async committed(acks: CommitAcks): Promise<void> {
    await this.#coordinator.committed(acks)
  }

  /** A sign of life of a member, where it is one. */
  seen(group: string, memberId: string): void {
    const members = this.#coordinator.groups.get(group)?.members
    if (members?.has(memberId)) this.#coordinator.visitor(group, memberId)
  }

  /** Tells of departures and deletions, in the step in which they happen; the listener must not throw. */
  onNews(listener: (news: GroupNews) => void): () => void {
    return this.#coordinator.onNews(listener)
  }

  /**
   * A member's visit by whoever hands out records in another way: see {@link attend}. `work` is given how to be told
   * of a rebalance.
   */
  async attend<T>(
    request: Pick<PollRequest, 'group' | 'memberId' | 'generation'>,
    signal: AbortNotice | undefined,
    work: (visit: Visit, until: (end: () => void) => () => void) => Promise<T>,
  ): Promise<Read<T>> {
    const { group, memberId, generation } = request
    const visit = visitOf(this.#coordinator, group, memberId, generation)
    return await attend(this.#coordinator, visit, signal, (until) => work(visit, until))
  }

  /** See {@link poll}. */
  async poll(request: PollRequest, signal?: AbortNotice): Promise<Read<Polled>> {
    return await poll(this.#coordinator, request, signal)
  }

  /** See {@link fetchAssigned}. */
  async fetch(request: GroupFetchRequest, signal?: AbortNotice): ReturnType<typeof fetchAssigned> {
    return await fetchAssigned(this.#coordinator, request, signal)
  }

  health(): HealthCheck {
    return this.#coordinator.health()
  }

  protected async onStart(): Promise<void> {
    await this.#coordinator.start()
  }

  protected async onStop(): Promise<void> {
    await this.#coordinator.stop()
  }

  #membered(groupId: string, memberId: string): Membered {
    const { group, live, member, session } = this.#coordinator.visitor(groupId, memberId)
    live.sessions.adopt(session, group.generation)
    return {
      memberId,
      generation: group.generation,
      state: stateOf(group, live),
      isLeader: group.leaderId === memberId,
      partitions: group.assignedTo(memberId),
      unknownTopics: member.topics.filter((name) => group.topics.get(name)?.id === 0),
    }
  }

  #newMemberId(groupId: string, clientId: string): string {
    const { groups, platform } = this.#coordinator
    for (;;) {
      let digits = ''
      while (digits.length < MEMBER_ID_DIGITS) {
        digits += Math.floor(platform.random() * 16).toString(16)
      }
      const memberId = `${clientId}-${digits}`
      if (!groups.get(groupId)?.members.has(memberId)) return memberId
    }
  }

  async #target(topic: string, partition: number, to: ResetTo): Promise<number> {
    const source = this.#coordinator.topics.get(topic).partition(partition)
    if (!('offset' in to)) return await source.resolve(to)
    const { start, next } = source.offsets()
    return Math.min(Math.max(to.offset, start), next)
  }
}
