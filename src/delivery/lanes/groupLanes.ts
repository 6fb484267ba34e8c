/**
 * How the lanes of one group are served: whose turn it is, and how many of its slots the two lowest may hold.
 *
 * A member's slots are what it holds and what it asks for. Slow work of the two lowest lanes may fill a share of all slots
 * and no more, so that somebody is there for what is urgent. In memory alone: after a restart a new round begins.
 */
import { DeficitRoundRobin, lowLanesMax } from '../../scheduling/index.ts'
import type { DeliveryPolicy } from '../machine/policy.ts'
import type { PlainListener } from './placeLanes.ts'

const [LOW, BACKGROUND] = [3, 4] as const

export class GroupLanes implements PlainListener {
  readonly turns = new DeficitRoundRobin()
  /** Places of the group that hold more than normal records. */
  mixed = 0
  /** The group's records in the hands of members, by lane; a list of zeros before there are any. */
  leased: readonly number[] = []
  readonly #slots = new Map<string, number>()
  #slotCount = 0
  lowShare = 1
  boostMs = 0

  configure({ priorityWeights, priorityBoostMs, lowLanesShareMax }: DeliveryPolicy): void {
    this.turns.configure(priorityWeights, priorityBoostMs)
    this.lowShare = lowLanesShareMax
    this.boostMs = priorityBoostMs
  }

  /** How many more records of the two lowest lanes may be handed out. */
  get lowRoom(): number {
    const { leased } = this
    const held = (leased[LOW] ?? 0) + (leased[BACKGROUND] ?? 0)
    return this.lowMax - held
  }

  /** How many records of the two lowest lanes its members may hold. */
  get lowMax(): number {
    return lowLanesMax(this.lowShare, this.#slotCount)
  }

  /** How many records its members can hold, as far as they were seen. */
  get slots(): number {
    return this.#slotCount
  }

  /** The member has that many slots now. True where the group has more of them than before. */
  seen(memberId: string, slots: number): boolean {
    const before = this.#slots.get(memberId) ?? 0
    if (slots === before) return false
    this.#slots.set(memberId, slots)
    this.#slotCount += slots - before
    return slots > before
  }

  departed(memberId: string): void {
    this.#slotCount -= this.#slots.get(memberId) ?? 0
    this.#slots.delete(memberId)
  }
}
