/**
 * Which lane is served next: deficit round robin, the most urgent lane first in each round.
 *
 *   a round       each lane may be served as often as its weight says: its credit
 *   the next one  of the lanes that hold something, the most urgent that has credit left
 *   a new round   as soon as none of those that hold something has any: all credits are full again
 *
 * So with all lanes full the shares are the weights, whoever holds something is served while others are empty, and what
 * comes late in an urgent lane is next, unless that lane has used up its share of the round. Credit is not saved up: who
 * was empty in one round has no more in the next one. But a lane that held something and was kept out by its caller is
 * owed what it did not get, a round's worth at most, and gets it behind `critical` and before all others. A lane that held something and was not served for `boostMs` has the
 * next turn, of one record. O(1) for each record: five lanes are looked at, whatever they hold.
 */
import { invariant } from '../kernel/invariant.ts'
import { LANES } from '../kernel/priority.ts'
import { SECOND_MS } from '../kernel/units.ts'
import { firstLane, hasLane, isSingleLane, type LaneSet, NO_LANES } from './lanes.ts'

/** Of each lane how many records it gets in a round; integers from 1. */
export type LaneWeights = readonly number[]

export const DEFAULT_LANE_WEIGHTS: LaneWeights = [50, 25, 15, 7, 3]
export const DEFAULT_BOOST_MS = 30 * SECOND_MS

export interface Turn {
  readonly lane: number
  /** How many records it may be served before {@link DeficitRoundRobin.choose} is asked again. */
  readonly quota: number
}

const NEVER = -1
const CRITICAL = 0

export class DeficitRoundRobin {
  #weights: LaneWeights
  #boostMs: number
  readonly #credits: number[]
  /** What is left of the round before, of lanes that were kept out. */
  readonly #owed: number[] = new Array(LANES).fill(0)
  /** Since when it holds something unserved, as far as was seen. */
  readonly #waitsSinceMs: number[] = new Array(LANES).fill(NEVER)
  #boosts = 0

  constructor(weights = DEFAULT_LANE_WEIGHTS, boostMs = DEFAULT_BOOST_MS) {
    invariant(weights.length === LANES, 'each lane has a weight')
    this.#weights = weights
    this.#boostMs = boostMs
    this.#credits = [...weights]
  }

  get weights(): LaneWeights {
    return this.#weights
  }

  /** Turns that were given out of order, to lanes that had waited too long. */
  get boosts(): number {
    return this.#boosts
  }

  /** Takes effect with the next round at the latest. */
  configure(weights: LaneWeights, boostMs: number): void {
    this.#boostMs = boostMs
    if (weights === this.#weights) return
    invariant(weights.length === LANES, 'each lane has a weight')
    this.#weights = weights
    for (let lane = 0; lane < LANES; lane += 1) this.#credits[lane] = weights[lane] as number
  }

  /**
   * Who is next of the lanes that hold something; there must be one. Serve it up to the quota, say so with
   * {@link served}, and ask again. Times are of any clock that does not go back. `keptOut`: lanes that hold something
   * and may not be served now.
   */
  choose(backlogged: LaneSet, nowMs: number, keptOut: LaneSet = NO_LANES): Turn {
    const starved = this.#starved(backlogged, nowMs)
    if (starved !== NEVER) {
      this.#boosts += 1
      return { lane: starved, quota: 1 }
    }
    if (isSingleLane(backlogged)) {
      return { lane: firstLane(backlogged), quota: Number.MAX_SAFE_INTEGER }
    }
    return this.#next(backlogged, keptOut)
  }

  /** `holdsMore`: as far as is known; from now on it waits again. */
  served(lane: number, count: number, nowMs: number, holdsMore: boolean): void {
    if (count === 0) return
    // More than its credit only while it is alone, or out of turn: nothing that is held against it later.
    const owed = this.#owed[lane] as number
    const ofOwed = Math.min(owed, count)
    this.#owed[lane] = holdsMore ? owed - ofOwed : 0
    this.#credits[lane] = Math.max(0, (this.#credits[lane] as number) - (count - ofOwed))
    this.#waitsSinceMs[lane] = holdsMore ? nowMs : NEVER
  }

  #next(backlogged: LaneSet, keptOut: LaneSet): Turn {
    const turn = this.#ofCritical(backlogged) ?? this.#of(this.#owed, backlogged)
    if (turn !== undefined) return turn
    const inRound = this.#of(this.#credits, backlogged)
    if (inRound !== undefined) return inRound
    this.#newRound(keptOut)
    const first = this.#of(this.#credits, backlogged)
    invariant(first !== undefined, 'some lane holds something')
    return first
  }

  #ofCritical(backlogged: LaneSet): Turn | undefined {
    const credit = this.#credits[CRITICAL] as number
    return hasLane(backlogged, CRITICAL) && credit > 0
      ? { lane: CRITICAL, quota: credit }
      : undefined
  }

  /** The most urgent lane that has anything left. */
  #of(left: readonly number[], backlogged: LaneSet): Turn | undefined {
    for (let lane = 0; lane < LANES; lane += 1) {
      const quota = left[lane] as number
      if (hasLane(backlogged, lane) && quota > 0) return { lane, quota }
    }
    return undefined
  }

  #newRound(keptOut: LaneSet): void {
    for (let lane = 0; lane < LANES; lane += 1) {
      const weight = this.#weights[lane] as number
      if (hasLane(keptOut, lane)) {
        const owed = (this.#owed[lane] as number) + (this.#credits[lane] as number)
        this.#owed[lane] = Math.min(weight, owed)
      }
      this.#credits[lane] = weight
    }
  }

  /** Of the lanes that have waited too long the one that has waited longest; -1 where none has. */
  #starved(backlogged: LaneSet, nowMs: number): number {
    const waits = this.#waitsSinceMs
    const latestMs = nowMs - this.#boostMs
    let starved = NEVER
    for (let lane = 0; lane < LANES; lane += 1) {
      if ((backlogged & (1 << lane)) === 0) continue
      const since = waits[lane] as number
      if (since === NEVER) waits[lane] = nowMs
      else if (since <= latestMs && (starved === NEVER || since < (waits[starved] as number))) {
        starved = lane
      }
    }
    return starved
  }
}
