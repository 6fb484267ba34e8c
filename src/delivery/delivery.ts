/**
 * Per-message delivery for groups in ack mode: leases, acks, retries, dead letters.
 *
 * The groups room says who is a member of what; this room says who holds which record and what became of it.
 */

import type { FloorChange, Groups } from '../groups/index.ts'
import type { AbortNotice } from '../kernel/caller.ts'
import type { HealthCheck } from '../kernel/health.ts'
import type { Platform } from '../kernel/platform.ts'
import { Service } from '../kernel/service.ts'
import type { CommitAcks } from '../state/index.ts'
import type { Topics, TopicsOptions } from '../topics/index.ts'
import { type DeliveryPoll, Dispatcher } from './dispatcher.ts'
import { Durability } from './durability.ts'
import { Follower } from './follower.ts'
import { Graveyard } from './graveyard.ts'
import {
  groupFigures,
  type LaneTotals,
  laneTotals,
  type PriorityFigures,
  partitionFigures,
} from './lanes/figures.ts'
import { LaneBoard } from './lanes/laneBoard.ts'
import { Ledger } from './ledger.ts'
import { changedPolicy, type DeliveryPolicy, type PolicyChange } from './machine/policy.ts'
import type { Totals } from './machine/state.ts'
import type { Window } from './machine/window.ts'
import { type RangeOutcome, Receipts, type Saying } from './receipts.ts'
import { Redrives } from './redrive/redrives.ts'
import { DEFAULT_DELIVERY_SETTINGS, type DeliverySettings } from './settings.ts'
import { type DeliveryFigures, figuresOf, type GroupDelivery, groupDeliveryOf } from './view.ts'

export interface DeliveryOptions {
  readonly engine: TopicsOptions['engine']
  readonly platform: Platform
  /** Both are started before this and stopped after it. */
  readonly topics: Topics
  readonly groups: Groups
  readonly settings?: Partial<DeliverySettings> | undefined
}

export interface AckCommit {
  readonly group: string
  readonly memberId: string
  readonly generation?: number | undefined
  readonly floors: readonly {
    readonly topic: string
    readonly partition: number
    readonly offset: number
  }[]
}

export interface PolicyView {
  /** What was set here. */
  readonly set: Partial<DeliveryPolicy>
  /** What holds where nothing more particular is set. */
  readonly inForce: DeliveryPolicy
}

interface Spot {
  readonly group: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

type DeliveryRead = ReturnType<Dispatcher['poll']>

export class Delivery extends Service {
  readonly #options: DeliveryOptions
  readonly #ledger: Ledger
  readonly #durability: Durability
  readonly #lanes: LaneBoard
  readonly #dispatcher: Dispatcher
  readonly #receipts: Receipts
  readonly #graveyard: Graveyard
  readonly #follower: Follower
  /** Dead letters and their way back. */
  readonly redrives: Redrives

  constructor(options: DeliveryOptions) {
    super()
    const { platform, topics, groups, settings } = options
    const { policy, waitersMax } = { ...DEFAULT_DELIVERY_SETTINGS, ...settings }
    this.#options = options
    this.#lanes = new LaneBoard(platform.clock)
    const ledger = new Ledger({
      engine: options.engine,
      platform,
      policy,
      onReady: (window) => this.#dispatcher.ready(window),
      onExpired: () => this.#dispatcher.roomAnywhere(),
      onDying: (window) => this.#graveyard.dig(window),
    })
    this.#ledger = ledger
    const durability = new Durability(ledger, groups)
    this.#durability = durability
    this.#dispatcher = new Dispatcher({
      ledger,
      groups,
      topics,
      platform,
      durability,
      waitersMax,
      lanes: this.#lanes,
    })
    const onRoom = (group: string): void => this.#dispatcher.roomIn(group)
    const onGivenBack = (window: Window): void => this.#dispatcher.ready(window)
    this.#receipts = new Receipts({
      ledger,
      groups,
      durability,
      onRoom,
      onGivenBack,
      lanesOf: (window) => this.#dispatcher.lanesOf(window),
    })
    this.redrives = new Redrives({
      engine: options.engine,
      platform,
      topics,
      isSettled: (group, topic, partition, offset) =>
        this.#isSettled({ group, topic, partition, offset }),
      buried: (topic) => this.#graveyard.buried(topic),
    })
    const onDiedAgain = (task: string): void => this.redrives.failedAgain(task)
    this.#graveyard = new Graveyard({ ledger, topics, platform, onRoom, onDiedAgain })
    const dispatcher = this.#dispatcher
    this.#follower = new Follower({ ledger, groups, topics, platform, dispatcher })
  }

  get waiterCount(): number {
    return this.#dispatcher.waiterCount
  }

  get totals(): Readonly<Totals> {
    return this.#ledger.state.totals
  }

  /** See {@link Dispatcher.poll}. */
  async poll(request: DeliveryPoll, signal?: AbortNotice): DeliveryRead {
    return await this.#dispatcher.poll(request, signal)
  }

  /** See {@link Receipts.say}. */
  say(sayings: readonly Saying[]): Promise<readonly RangeOutcome[]> {
    return this.#receipts.say(sayings)
  }

  /**
   * Settles everything below the offsets that the group was handed and that is not a dead letter already; what was
   * never handed out stays. Resolves with the floors before and after, when that is as durable as the policy asks.
   * Rejects as a commit of the groups does.
   */
  async commit(request: AckCommit): Promise<readonly FloorChange[]> {
    const group = this.#options.groups.admitCommit(request)
    const changes = request.floors.map(({ topic, partition, offset }): FloorChange => {
      const window = this.#ledger.state.groups.get(group.id)?.window(topic, partition)
      const before = window?.floor ?? group.floor(topic, partition) ?? null
      if (window === undefined) return { topic, partition, offset: before ?? 0, before }
      this.#ledger.execute({ kind: 'commit', window: window.id, to: offset })
      return { topic, partition, offset: window.floor, before }
    })
    this.#dispatcher.roomIn(group.id)
    const topics = request.floors.map(({ topic }) => topic)
    await this.#durability.reached(this.#durability.asked(group.id, topics))
    return changes
  }

  /** The floor of a partition; undefined where nothing was handed out there yet. */
  floor(group: string, topic: string, partition: number): number | undefined {
    return this.#ledger.state.groups.get(group)?.window(topic, partition)?.floor
  }

  /** Resolves when everything that was changed so far survives the process. */
  async committed(): Promise<void> {
    await this.#ledger.committed()
  }

  /** Gives back what the member holds, uncounted as failures, and lets go of it. Before it leaves its group. */
  async release(group: string, memberId: string): Promise<void> {
    this.#dispatcher.departed(group, [memberId])
    this.#follower.part(group, [memberId], 'left')
    await this.#ledger.committed()
  }

  /** Forgets what was handed out of these partitions: their floors were set anew. */
  async reset(group: string, topic: string, partitions: readonly number[]): Promise<void> {
    const known = this.#ledger.state.groups.get(group)
    const windows = partitions.flatMap((partition) => known?.window(topic, partition)?.id ?? [])
    this.#follower.drop(windows)
    await this.#ledger.committed('all')
  }

  /** What the group has handed out and not settled. */
  describe(group: string): GroupDelivery {
    return groupDeliveryOf(
      {
        ledger: this.#ledger,
        topics: this.#options.topics,
        unreadOf: (window) => this.#dispatcher.unreadOf(window),
      },
      group,
    )
  }

  figures(): DeliveryFigures {
    return {
      ...figuresOf(this.#ledger, this.#dispatcher.waiterCount),
      ...this.redrives.figures(),
      tasksRunning: this.redrives.runningCount,
    }
  }

  /** What is known of each lane, by partition and by group. */
  async priorities(): Promise<PriorityFigures> {
    await this.#dispatcher.count()
    const { state } = this.#ledger
    const find = (topic: string, partition: number) =>
      this.#options.topics.find(topic)?.partitions[partition]
    return {
      ...laneTotals(state, this.#lanes),
      weights: state.defaults.priorityWeights,
      partitions: partitionFigures(state, this.#lanes, find),
      groups: groupFigures(state, this.#lanes),
    }
  }

  /** The same, all partitions together, as far as members have asked for them. */
  laneTotals(): LaneTotals {
    return laneTotals(this.#ledger.state, this.#lanes)
  }

  /** How durable the group's commits of these topics are before their reply. */
  commitAcks(group: string, topics: Iterable<string>): CommitAcks {
    return this.#durability.asked(group, topics)
  }

  policy(scope: 'group' | 'topic', name: string): PolicyView {
    this.#checkNamed(scope, name)
    const { state } = this.#ledger
    const set =
      scope === 'group'
        ? (state.groups.get(name)?.policy ?? {})
        : (state.topicPolicies.get(name) ?? {})
    const inForce = scope === 'group' ? state.policyOf(name, '') : state.policyOf('', name)
    return { set, inForce }
  }

  /** Resolves when the change is on disk. Rejects with GROUP_NOT_FOUND, TOPIC_NOT_FOUND or INVALID_CONFIG. */
  async setPolicy(
    scope: 'group' | 'topic',
    name: string,
    change: PolicyChange,
  ): Promise<PolicyView> {
    const { set } = this.policy(scope, name)
    const policy = changedPolicy(set, change)
    const epochMs = scope === 'group' ? this.#options.groups.get(name).createdAtMs : 0
    this.#ledger.execute({ kind: 'policy', scope, name, epochMs, policy })
    await this.#durability.reached('all')
    if (scope === 'group') this.#dispatcher.policyChanged(name)
    return this.policy(scope, name)
  }

  /** Answers all polls that wait; later ones do not wait. The first step of stopping. */
  releaseWaiters(): void {
    this.#dispatcher.release()
  }

  health(): readonly HealthCheck[] {
    return [this.#ledger.health(), this.redrives.health()]
  }

  protected async onStart(): Promise<void> {
    await this.#ledger.start()
    await this.#follower.start()
    await this.redrives.start()
  }

  protected async onStop(): Promise<void> {
    this.#follower.stop()
    this.#dispatcher.close()
    await this.redrives.stop()
    await this.#graveyard.stop()
    await this.#ledger.stop()
  }

  #isSettled({ group, topic, partition, offset }: Spot): boolean {
    const window = this.#ledger.state.groups.get(group)?.window(topic, partition)
    if (window === undefined || offset >= window.end) return false
    if (window.runAt(offset) !== undefined) return false
    if (offset < window.cursor) return true
    const lane = this.#dispatcher.lanesOf(window)?.(offset)
    return lane !== undefined && offset < window.cursorOf(lane)
  }

  #checkNamed(scope: 'group' | 'topic', name: string): void {
    if (scope === 'group') this.#options.groups.get(name)
    else this.#options.topics.get(name)
  }
}
