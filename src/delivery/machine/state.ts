/** Every window of the broker, and what they share: who holds how much, what is due when, which policy is in force. */
import { NORMAL_PRIORITY } from '../../kernel/priority.ts'
import type { CommitAcks } from '../../state/index.ts'
import { Backoffs } from './backoffs.ts'
import { DueHeap } from './dueHeap.ts'
import type { Frozen } from './frozen.ts'
import { LaneCountsTable } from './laneCounts.ts'
import { DEFAULT_DELIVERY_POLICY, type DeliveryPolicy } from './policy.ts'
import type { Holder } from './run.ts'
import { RunTable } from './runTable.ts'
import type { Window } from './window.ts'
import { type GroupOfWindow, type Heaps, noneLeased } from './windowParts.ts'

export class DeliveryGroup implements GroupOfWindow {
  readonly name: string
  /** When the group was made: another one of the same name is another group. */
  readonly epochMs: number
  readonly holders = new Map<string, Holder>()
  readonly leasedOthers = noneLeased()
  /** Topic to partition to window. */
  readonly windows = new Map<string, Map<number, Window>>()
  policy: Partial<DeliveryPolicy> = {}

  constructor(name: string, epochMs: number) {
    this.name = name
    this.epochMs = epochMs
  }

  window(topic: string, partition: number): Window | undefined {
    return this.windows.get(topic)?.get(partition)
  }

  *allWindows(): Generator<Window> {
    for (const partitions of this.windows.values()) yield* partitions.values()
  }

  /** Records that its members hold, by lane. */
  leased(): number[] {
    const leased = [...this.leasedOthers]
    let normal = 0
    for (const { inFlight } of this.holders.values()) normal += inFlight
    for (const others of leased) normal -= others
    leased[NORMAL_PRIORITY] = normal
    return leased
  }

  holder(id: string): Holder {
    return this.holders.get(id) ?? { id, inFlight: 0 }
  }
}

/** Since the start of the journal; those of before a snapshot are in it. */
export interface Totals {
  acks: number
  commits: number
  nacks: number
  rejects: number
  expiries: number
  deaths: number
  extensions: number
  handedOut: number
  takenBack: number
  buried: number
  retentionSkipped: number
}

export const noTotals = (): Totals => ({
  acks: 0,
  commits: 0,
  nacks: 0,
  rejects: 0,
  expiries: 0,
  deaths: 0,
  extensions: 0,
  handedOut: 0,
  takenBack: 0,
  buried: 0,
  retentionSkipped: 0,
})

export class DeliveryState implements Heaps {
  readonly runs = new RunTable()
  readonly deadlines = new DueHeap(this.runs)
  readonly backoffs = new Backoffs(this.runs)
  readonly laneCounts = new LaneCountsTable()
  readonly groups = new Map<string, DeliveryGroup>()
  readonly windows = new Map<number, Window>()
  readonly topicPolicies = new Map<string, Partial<DeliveryPolicy>>()
  /** Windows in which records have begun to die, until somebody has seen to it. */
  readonly dyingIn = new Set<Window>()
  /** While a snapshot is written: the windows as it holds them. */
  frozen: Frozen | undefined
  totals = noTotals()
  nextWindow = 1
  /** The latest time that any event speaks of: time does not go back behind it. */
  lastMs = 0
  readonly defaults: DeliveryPolicy

  constructor(defaults: Partial<DeliveryPolicy> = {}) {
    this.defaults = { ...DEFAULT_DELIVERY_POLICY, ...defaults }
  }

  policyOf(group: string, topic: string): DeliveryPolicy {
    const ofTopic = this.topicPolicies.get(topic)
    const ofGroup = this.groups.get(group)?.policy
    if (ofTopic === undefined && (ofGroup === undefined || isEmpty(ofGroup))) return this.defaults
    return { ...this.defaults, ...ofTopic, ...ofGroup }
  }

  /** What the policy says of durability, and nothing else of it: asked with each hand-out and each ack. */
  ackDurability(group: string, topic: string): CommitAcks {
    const ofGroup = this.groups.get(group)?.policy.ackDurability
    const { ackDurability } = this.topicPolicies.get(topic) ?? this.defaults
    return ofGroup ?? ackDurability ?? this.defaults.ackDurability
  }

  groupOf(name: string, epochMs: number): DeliveryGroup {
    let group = this.groups.get(name)
    if (group === undefined) {
      group = new DeliveryGroup(name, epochMs)
      this.groups.set(name, group)
    }
    return group
  }

  put(window: Window, group: DeliveryGroup): void {
    this.windows.set(window.id, window)
    window.counts.windows += 1
    let partitions = group.windows.get(window.topic)
    if (partitions === undefined) {
      partitions = new Map()
      group.windows.set(window.topic, partitions)
    }
    partitions.set(window.partition, window)
    this.nextWindow = Math.max(this.nextWindow, window.id + 1)
  }

  drop(window: Window): void {
    window.reset(0)
    if (this.windows.delete(window.id)) this.laneCounts.leave(window.counts)
    const partitions = this.groups.get(window.group.name)?.windows.get(window.topic)
    if (partitions?.get(window.partition) === window) partitions.delete(window.partition)
  }

  /** The runs that can be handed out again by now, moved to where they are taken from. */
  ripen(nowMs: number, ripened: (window: Window) => void): void {
    if (this.backoffs.size === 0) return
    const windows = new Set<Window>()
    this.backoffs.ripen(nowMs, (run) => {
      const window = this.windows.get(this.runs.window[run] as number)
      if (window === undefined) return
      window.ripened(run)
      windows.add(window)
    })
    // Only now: whoever is told may change what waits.
    for (const window of windows) ripened(window)
  }

  /** When to look again: no later than the next lease expires or the next wait ends; undefined where nothing is due ever. */
  nextDueMs(): number | undefined {
    const leaseMs = this.deadlines.firstMs
    const waitMs = this.backoffs.nextDueMs()
    if (leaseMs === undefined) return waitMs
    return waitMs === undefined ? leaseMs : Math.min(leaseMs, waitMs)
  }
}

const isEmpty = (policy: object): boolean => Object.keys(policy).length === 0
