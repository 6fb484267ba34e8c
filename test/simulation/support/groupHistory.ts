/**
 * What a group was after each change, in order, and up to where that was promised to last. What is found after a
 * crash must be one of these states: changes are kept from the front, whole, and none of those promised is missing.
 */

import { type Groups, type GroupView, partitionNames } from '../../../src/groups/index.ts'
import { BrokerError } from '../../../src/kernel/errors.ts'

export interface GroupState {
  readonly generation: number
  readonly members: Readonly<Record<string, readonly string[]>>
  /** By name of the partition. */
  readonly floors: Readonly<Record<string, number>>
}

/** Undefined where there is no such group. */
export function stateOf(groups: Groups, group: string): GroupState | undefined {
  try {
    return stateOfView(groups.describe(group))
  } catch (error) {
    if (error instanceof BrokerError && error.code === 'GROUP_NOT_FOUND') return undefined
    throw error
  }
}

function stateOfView({ generation, members, topics }: GroupView): GroupState {
  const floors: Record<string, number> = {}
  for (const [topic, partitions] of topics) {
    for (const { partition, floor } of partitions) {
      if (floor !== undefined) floors[`${topic}-${partition}`] = floor
    }
  }
  const held = members.map((each) => [each.memberId, partitionNames(each.partitions)] as const)
  return { generation, members: Object.fromEntries(held), floors }
}

const textOf = (state: GroupState | undefined): string => JSON.stringify(state) ?? 'none'

export class GroupHistory {
  /** As text; the first is that nothing happened yet. */
  #states: string[] = [textOf(undefined)]
  #latest: GroupState | undefined
  /** States that must outlast a crash of the process, and one of the machine. */
  #owed = { process: 0, power: 0 }

  get latest(): GroupState | undefined {
    return this.#latest
  }

  /** Notes the state where it is another one; returns what to call when the change is promised to last. */
  note(state: GroupState | undefined, isReset: boolean): (acks: 'leader' | 'all') => void {
    const text = textOf(state)
    if (text !== this.#states.at(-1)) {
      if (!isReset) checkOnward(this.#latest, state)
      this.#states.push(text)
      this.#latest = state
    }
    const at = this.#states.length - 1
    return (acks) => {
      this.#owed.process = Math.max(this.#owed.process, at)
      if (acks === 'all') this.#owed.power = Math.max(this.#owed.power, at)
    }
  }

  /** Everything so far was written in order. */
  stoppedCleanly(): void {
    const at = this.#states.length - 1
    this.#owed = { process: at, power: at }
  }

  /** Throws where the state is not one that may be left; it is the truth from now on. */
  found(state: GroupState | undefined, powerWasLost: boolean): void {
    const owed = powerWasLost ? this.#owed.power : this.#owed.process
    const at = this.#states.lastIndexOf(textOf(state))
    if (at < 0) throw new Error(`AStateThatWas: ${textOf(state)}, last ${this.#states.at(-1)}`)
    if (at < owed)
      throw new Error(`NothingPromisedIsLost: state ${at} of ${owed}: ${textOf(state)}`)
    this.#states = this.#states.slice(0, at + 1)
    this.#latest = state
    this.#owed = { process: at, power: powerWasLost ? at : Math.min(this.#owed.power, at) }
  }
}

/** FloorsNeverGoBack and GenerationNeverGoesBack, while the group exists. */
function checkOnward(before: GroupState | undefined, after: GroupState | undefined): void {
  if (before === undefined || after === undefined) return
  if (after.generation < before.generation) {
    throw new Error(`GenerationNeverGoesBack: ${before.generation}, ${after.generation}`)
  }
  for (const [partition, floor] of Object.entries(before.floors)) {
    if ((after.floors[partition] ?? -1) < floor) {
      throw new Error(`FloorsNeverGoBack: ${partition} ${floor}, ${after.floors[partition]}`)
    }
  }
}

/** EachPartitionHasOneOwner, where anybody is there; and the shares are even within one. */
export function checkAssignment(
  state: GroupState | undefined,
  partitions: readonly string[],
): void {
  const shares = Object.values(state?.members ?? {})
  if (shares.length === 0) return
  const held = shares.flat().sort()
  if (held.join() !== [...partitions].sort().join()) {
    throw new Error(`EachPartitionHasOneOwner: ${JSON.stringify(state?.members)}`)
  }
}
