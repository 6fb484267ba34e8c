/**
 * Runs the coordinator's machine, and keeps beside it what is not journaled: who is alive and whom to tell.
 *
 * What goes on by itself is here: members that fall silent are evicted, groups that nobody uses expire, topics come and
 * go. A restart forgets who was alive: everybody has one whole session to re-appear.
 */
import { BrokerError } from '../kernel/errors.ts'
import type { HealthCheck } from '../kernel/health.ts'
import type { Platform } from '../kernel/platform.ts'
import { Service } from '../kernel/service.ts'
import { DAY_MS } from '../kernel/units.ts'
import { type CommitAcks, StateRunner } from '../state/index.ts'
import type { Partition, Topics, TopicsOptions } from '../topics/index.ts'
import { groupsCodec } from './codec.ts'
import { memberOf } from './decide.ts'
import {
  type GroupCommand,
  type GroupEvent,
  type GroupReply,
  missingTopic,
  type TopicFact,
} from './events.ts'
import { GroupExpiry } from './expiry.ts'
import type { Group, Member } from './group.ts'
import { LiveGroup } from './live.ts'
import { GroupsMachine, type GroupsSnapshot } from './machine.ts'
import { type GroupNews, newsOf } from './news.ts'
import type { Session } from './sessions.ts'

export interface GroupsSettings {
  /** How long a group without members is kept after its last member left and its last commit, in ms. Default 7 days. */
  readonly retentionMs: number
}

const DEFAULT_GROUPS_SETTINGS: GroupsSettings = { retentionMs: 7 * DAY_MS }

export interface CoordinatorOptions {
  readonly engine: TopicsOptions['engine']
  readonly platform: Platform
  /** Started before this and stopped after it. */
  readonly topics: Topics
  readonly settings?: Partial<GroupsSettings> | undefined
}

/** Counts since the start. */
export interface GroupsMeters {
  /** Generations begun: joins, departures and changes of topics. */
  rebalances: number
  evictions: number
  commits: number
  /** Records that retention took before their group had read them. */
  retentionSkipped: number
}

/** A member that shows a sign of life. */
export interface Visitor {
  readonly group: Group
  readonly live: LiveGroup
  readonly member: Member
  readonly session: Session
}

export class Coordinator extends Service {
  readonly platform: Platform
  readonly topics: Topics
  readonly meters: GroupsMeters = { rebalances: 0, evictions: 0, commits: 0, retentionSkipped: 0 }
  readonly #expiry: GroupExpiry
  readonly #machine = new GroupsMachine()
  readonly #runner: StateRunner<GroupCommand, GroupEvent, GroupReply, GroupsSnapshot>
  /** One for each group with members. */
  readonly #live = new Map<string, LiveGroup>()
  readonly #newsListeners = new Set<(news: GroupNews) => void>()
  #unsubscribe: (() => void) | undefined
  /** What failed by itself last time is tried again and again, and logged once. */
  #isFailing = false

  constructor({ engine, platform, topics, settings }: CoordinatorOptions) {
    super()
    this.platform = platform
    this.topics = topics
    this.#runner = new StateRunner({
      name: 'groups',
      machine: this.#machine,
      codec: groupsCodec,
      engine,
      platform,
      acks: 'leader',
    })
    const retentionMs = settings?.retentionMs ?? DEFAULT_GROUPS_SETTINGS.retentionMs
    this.#expiry = new GroupExpiry({
      clock: platform.clock,
      retentionMs,
      groups: () => this.groups.values(),
      expire: (groups) => this.#expire(groups, retentionMs),
    })
  }

  get groups(): ReadonlyMap<string, Group> {
    return this.#machine.groups
  }

  get memberCount(): number {
    let count = 0
    for (const { sessions } of this.#live.values()) count += sessions.size
    return count
  }

  /** Throws GROUP_NOT_FOUND. */
  group(id: string): Group {
    return this.#machine.group(id)
  }

  live(id: string): LiveGroup | undefined {
    return this.#live.get(id)
  }

  /** The member, no longer silent. Throws GROUP_NOT_FOUND or UNKNOWN_MEMBER. */
  visitor(groupId: string, memberId: string): Visitor {
    const group = this.group(groupId)
    const member = memberOf(group, memberId)
    const live = this.#liveOf(groupId)
    return { group, member, live, session: live.sessions.touch(memberId, member.sessionTimeoutMs) }
  }

  /** What the catalogue says of a topic now. */
  fact(name: string): TopicFact {
    const topic = this.topics.find(name)
    if (topic === undefined) return missingTopic(name)
    return { name, id: topic.id, partitions: topic.partitions.length }
  }

  /** What the command would lead to; changes nothing. */
  rehearse(command: GroupCommand): GroupReply {
    return this.#machine.decide(command, this.platform.clock.nowMs()).reply
  }

  /**
   * Decides, applies and queues for the journal, in one synchronous step; nothing is durable before
   * {@link committed}. Throws what the decision refuses with, BROKER_OVERLOADED and STORAGE_ERROR.
   */
  execute(command: GroupCommand): GroupReply {
    const reply = this.#runner.execute(command)
    if ('group' in command) this.#follow(command.group)
    else for (const id of [...this.#live.keys()]) this.#follow(id)
    this.#tell(command)
    return reply
  }

  /** Calls `listener` in the step in which it happens; it must not throw. Returns how to stop listening. */
  onNews(listener: (news: GroupNews) => void): () => void {
    this.#newsListeners.add(listener)
    return () => void this.#newsListeners.delete(listener)
  }

  /** Resolves when what was executed so far survives the process, for `all` the machine. */
  committed(acks: CommitAcks = 'leader'): Promise<void> {
    return this.#runner.committed(acks)
  }

  health(): HealthCheck {
    return { ...this.#runner.health(), name: 'groups' }
  }

  protected async onStart(): Promise<void> {
    await this.#runner.start()
    for (const group of this.groups.values()) {
      this.#follow(group.id)
      for (const { memberId } of group.members.values()) this.visitor(group.id, memberId)
    }
    this.#unsubscribe = this.topics.onChanged((name) => this.#topicChanged(name))
    for (const name of this.#knownTopics()) this.#topicChanged(name)
    await this.#forgetLostEnds()
  }

  protected async onStop(): Promise<void> {
    this.#unsubscribe?.()
    this.#expiry.stop()
    for (const live of this.#live.values()) live.close()
    this.#live.clear()
    await this.#runner.stop()
  }

  #tell(command: GroupCommand): void {
    const news = newsOf(command)
    if (news !== undefined) for (const listener of this.#newsListeners) listener(news)
  }

  /** Brings the live side in line with the journal's. */
  #follow(id: string): void {
    const group = this.groups.get(id)
    if (group !== undefined && (group.members.size > 0 || this.#live.has(id))) {
      if (this.#liveOf(id).follow(group)) this.meters.rebalances += 1
    }
    if (group === undefined || group.members.size === 0) {
      this.#live.get(id)?.close()
      this.#live.delete(id)
    }
    if (group !== undefined) this.#expiry.watch(group)
  }

  #liveOf(id: string): LiveGroup {
    let live = this.#live.get(id)
    if (live === undefined) {
      live = new LiveGroup(this.platform.clock, (memberIds) => this.#evict(id, memberIds))
      this.#live.set(id, live)
    }
    return live
  }

  #evict(group: string, memberIds: readonly string[]): void {
    this.#byItself('members not evicted', () => {
      this.execute({ kind: 'evict', group, memberIds })
      this.meters.evictions += memberIds.length
      this.platform.logger.info({ group, memberIds }, 'members evicted after a silent session')
    })
  }

  #topicChanged(name: string): void {
    this.#byItself('change of a topic not noted', () => {
      this.execute({ kind: 'topicChanged', fact: this.fact(name) })
    })
  }

  /** Runs what no caller waits for. */
  #byItself(failure: string, work: () => void): void {
    const failed = (error: unknown): void => {
      if (!this.#isFailing) this.platform.logger.error({ error }, failure)
      this.#isFailing = true
    }
    const succeeded = (): void => {
      this.#isFailing = false
    }
    try {
      work()
      this.committed().then(succeeded, failed)
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      failed(error)
    }
  }

  /**
   * A power cut may take the end of a log (what was published with less than `all`) and leave a commit behind it. What is
   * appended then has the same offsets: before anything is, the floors go back, else new records would count as read.
   */
  async #forgetLostEnds(): Promise<void> {
    let isAny = false
    for (const { id, topics } of this.groups.values()) {
      for (const [topic, { floors }] of topics) {
        const ends = endsBelow(floors, this.topics.find(topic)?.partitions ?? [])
        if (ends.length === 0) continue
        const text = 'more was committed than the log holds: it has lost its end'
        this.platform.logger.warn({ group: id, topic, ends }, text)
        this.execute({ kind: 'shorten', group: id, fact: this.fact(topic), floors: ends })
        isAny = true
      }
    }
    if (isAny) await this.committed('all')
  }

  #knownTopics(): Set<string> {
    const names = new Set<string>()
    for (const { topics } of this.groups.values()) {
      for (const name of topics.keys()) names.add(name)
    }
    return names
  }

  #expire(groups: readonly string[], retentionMs: number): void {
    this.#byItself('groups not expired', () => {
      this.execute({ kind: 'expire', groups, retentionMs })
      this.platform.logger.info({ groups }, 'groups expired after a retention without members')
    })
  }
}

/** Where logs end that end below the floor. */
function endsBelow(
  floors: ReadonlyMap<number, number>,
  logs: readonly Pick<Partition, 'isOpen' | 'offsets'>[],
): { partition: number; offset: number }[] {
  return [...floors].flatMap(([partition, floor]) => {
    const log = logs[partition]
    const next = log?.isOpen ? log.offsets().next : floor
    return floor > next ? [{ partition, offset: next }] : []
  })
}
