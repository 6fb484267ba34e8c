/** Topics, groups and the broker's own state. The shapes are those of the HTTP contract. */
import type {
  Floors,
  GroupReply,
  PartitionsReply,
  PolicyInput,
  PolicyReply,
  PriorityStats,
  Readiness,
  ResetReply,
  TopicConfigInput,
  TopicReply,
  Version,
} from '../api/index.ts'
import { type Connection, pathOf } from './connection.ts'
import type { Download } from './download.ts'

export interface CreateTopic {
  readonly name: string
  /** Default: the broker's. */
  readonly partitions?: number | undefined
  readonly config?: TopicConfigInput | undefined
}

export interface CreatedTopic {
  readonly name: string
  readonly partitions: number
}

export interface ResetGroup {
  readonly group: string
  readonly topic: string
  /** Default: all of the topic. */
  readonly partitions?: readonly number[] | undefined
  /** An offset outside of the log is brought to its nearer end; a time is in milliseconds since 1970. */
  readonly to: 'earliest' | 'latest' | { readonly offset: number } | { readonly time: number }
  /** Tells what would come of it and changes nothing. Default false. */
  readonly dryRun?: boolean | undefined
}

/** Whose way of being handed messages: a group's word counts before a topic's. */
export type PolicyOf = { readonly group: string } | { readonly topic: string }

/** Of each partition what was committed, null where nothing was, and what is (or would be) now. */
export type GroupResets = ResetReply['offsets']

export class Admin {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Rejects with TOPIC_EXISTS, INVALID_TOPIC_NAME, INVALID_PARTITIONS or INVALID_CONFIG. */
  async createTopic({ name, partitions, config }: CreateTopic): Promise<CreatedTopic> {
    const json = { name, num_partitions: partitions, config }
    const reply = await this.#connection.askJson({ method: 'POST', path: '/topics', json })
    return reply as CreatedTopic
  }

  /** The names of all topics, sorted. */
  async listTopics(): Promise<readonly string[]> {
    const reply = await this.#connection.askJson({ method: 'GET', path: '/topics' })
    return (reply as { readonly topics: readonly string[] }).topics
  }

  /** Rejects with TOPIC_NOT_FOUND. */
  async describeTopic(name: string): Promise<TopicReply> {
    const reply = await this.#connection.askJson({ method: 'GET', path: pathOf('topics', name) })
    return reply as TopicReply
  }

  /** Rejects with TOPIC_NOT_FOUND. */
  async partitionsOf(name: string): Promise<PartitionsReply['partitions']> {
    const path = pathOf('topics', name, 'partitions')
    const reply = await this.#connection.askJson({ method: 'GET', path })
    return (reply as PartitionsReply).partitions
  }

  /** Changes what is named and leaves the rest. Rejects with TOPIC_NOT_FOUND or INVALID_CONFIG. */
  async configureTopic(name: string, config: TopicConfigInput): Promise<TopicReply> {
    const path = pathOf('topics', name)
    const reply = await this.#connection.askJson({ method: 'PATCH', path, json: { config } })
    return reply as TopicReply
  }

  /** Resolves when the topic is gone for good. Rejects with TOPIC_NOT_FOUND. */
  async deleteTopic(name: string): Promise<void> {
    await this.#connection.askJson({ method: 'DELETE', path: pathOf('topics', name) })
  }

  /** The names of all consumer groups, sorted. */
  async listGroups(): Promise<readonly string[]> {
    const reply = await this.#connection.askJson({ method: 'GET', path: '/groups' })
    return (reply as { readonly groups: readonly string[] }).groups
  }

  /** State, members with what is assigned to them, lag of each partition. Rejects with GROUP_NOT_FOUND. */
  async describeGroup(group: string): Promise<GroupReply> {
    const reply = await this.#connection.askJson({ method: 'GET', path: pathOf('groups', group) })
    return reply as GroupReply
  }

  /** Topic to partition to the committed offset: the next to be read. Rejects with GROUP_NOT_FOUND. */
  async groupOffsets(group: string, topic?: string): Promise<Floors> {
    const path = pathOf('groups', group, 'offsets')
    const reply = await this.#connection.askJson({ method: 'GET', path, query: { topic } })
    return (reply as { readonly offsets: Floors }).offsets
  }

  /**
   * Moves the committed offsets of one topic, forth or back; resolves when that is on disk. Rejects with
   * GROUP_NOT_FOUND, TOPIC_NOT_FOUND, PARTITION_NOT_FOUND, and with PARTITION_HELD, naming who holds what, as long as
   * one of the partitions is assigned to a member: nothing is moved then.
   */
  async resetGroup({ group, topic, partitions, to, dryRun }: ResetGroup): Promise<GroupResets> {
    const isTime = typeof to === 'object' && 'time' in to
    const target = isTime ? { time: new Date(to.time).toISOString() } : to
    const reply = await this.#connection.askJson({
      method: 'POST',
      path: pathOf('groups', group, 'offsets', 'reset'),
      json: { topic, partitions, to: target, dry_run: dryRun },
    })
    return (reply as ResetReply).offsets
  }

  /** Resolves when the group and what it committed are gone for good. Rejects with GROUP_NOT_FOUND or GROUP_NOT_EMPTY. */
  async deleteGroup(group: string): Promise<void> {
    await this.#connection.askJson({ method: 'DELETE', path: pathOf('groups', group) })
  }

  /** What was set of deliveries, and what is in force. Rejects with GROUP_NOT_FOUND or TOPIC_NOT_FOUND. */
  async deliveryPolicy(of: PolicyOf): Promise<PolicyReply> {
    const reply = await this.#connection.askJson({ method: 'GET', path: policyPath(of) })
    return reply as PolicyReply
  }

  /**
   * Changes what is named (durations as `30s`, null takes a setting back) and leaves the rest; resolves when that is on
   * disk. `{ ack_durability: 'all' }`: hand-outs, acks and commits survive a power cut from their reply on. Rejects with
   * GROUP_NOT_FOUND, TOPIC_NOT_FOUND or INVALID_CONFIG.
   */
  async setDeliveryPolicy(of: PolicyOf, change: PolicyInput): Promise<PolicyReply> {
    const ask = { method: 'PATCH', path: policyPath(of), json: change } as const
    return (await this.#connection.askJson(ask)) as PolicyReply
  }

  /** Whether the broker takes work, with each of its checks. A broker that does not is an answer, not an error. */
  async readiness(): Promise<Readiness> {
    const reply = await this.#connection.askJson({
      method: 'GET',
      path: '/readyz',
      query: { verbose: 'true' },
      alsoAnswers: [503],
    })
    return reply as Readiness
  }

  /** What lies in each lane of the topics that groups of mode ack read, and how it is served. */
  async priorityStats(): Promise<PriorityStats> {
    return (await this.#connection.askJson({
      method: 'GET',
      path: '/priority/stats',
    })) as PriorityStats
  }

  /**
   * Everything the broker holds at this moment, as a tar; resolves when it begins to come. Nothing that was deleted goes
   * from its disk until all was read. Rejects with BACKUP_RUNNING while there is another one.
   */
  async backup(options: { readonly signal?: AbortSignal } = {}): Promise<Download> {
    return await this.#connection.download('/admin/backup', options.signal)
  }

  /** What runs there. */
  async version(): Promise<Version> {
    const reply = await this.#connection.askJson({ method: 'GET', path: '/version' })
    return reply as Version
  }
}

const policyPath = (of: PolicyOf): string =>
  'group' in of ? pathOf('groups', of.group, 'delivery') : pathOf('topics', of.topic, 'delivery')
