/** Every window of the broker, and what they share: who holds how much, what is due when, which policy is in force. */
import { DueHeap } from './dueHeap.ts'
import { DEFAULT_DELIVERY_POLICY, type DeliveryPolicy } from './policy.ts'
import type { Holder, Run } from './run.ts'
import type { GroupOfWindow, Heaps, Window } from './window.ts'

export class DeliveryGroup implements GroupOfWindow {
  readonly name: string
  /** When the group was made: another one of the same name is another group. */
  readonly epochMs: number
  readonly holders = new Map<string, Holder>()
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
  readonly deadlines = new DueHeap()
  readonly backoffs = new DueHeap()
  readonly groups = new Map<string, DeliveryGroup>()
  readonly windows = new Map<number, Window>()
  readonly topicPolicies = new Map<string, Partial<DeliveryPolicy>>()
  /** Windows in which records have begun to die, until somebody has seen to it. */
  readonly dyingIn = new Set<Window>()
  totals = noTotals()
  nextWindow = 1
  /** The latest time that any event speaks of: time does not go back behind it. */
  lastMs = 0
  readonly #defaults: DeliveryPolicy

  constructor(defaults: Partial<DeliveryPolicy> = {}) {
    this.#defaults = { ...DEFAULT_DELIVERY_POLICY, ...defaults }
  }

  policyOf(group: string, topic: string): DeliveryPolicy {
    const ofTopic = this.topicPolicies.get(topic)
    const ofGroup = this.groups.get(group)?.policy
    if (ofTopic === undefined && (ofGroup === undefined || isEmpty(ofGroup))) return this.#defaults
    return { ...this.#defaults, ...ofTopic, ...ofGroup }
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
    this.windows.delete(window.id)
    const partitions = this.groups.get(window.group.name)?.windows.get(window.topic)
    if (partitions?.get(window.partition) === window) partitions.delete(window.partition)
  }

  /** The runs that can be handed out again by now, moved to where they are taken from. */
  ripen(nowMs: number, ripened: (window: Window) => void): void {
    for (let run = this.backoffs.peek(); run !== undefined && run.dueMs <= nowMs; ) {
      run.window.ripened(run)
      ripened(run.window)
      run = this.backoffs.peek()
    }
  }

  /** When the next lease expires or the next wait ends; undefined where nothing is due ever. */
  nextDueMs(): number | undefined {
    const [lease, wait]: (Run | undefined)[] = [this.deadlines.peek(), this.backoffs.peek()]
    if (lease === undefined) return wait?.dueMs
    return wait === undefined ? lease.dueMs : Math.min(lease.dueMs, wait.dueMs)
  }
}

const isEmpty = (policy: object): boolean => Object.keys(policy).length === 0
