/**
 * Which lane is served next: deficit round robin, the most urgent lane first in each round.
 *
 *   a round       each lane may be served as often as its weight says: its credit
 *   the next one  of the lanes that hold something, the most urgent that has credit left
 *   a new round   as soon as none of those that hold something has any: all credits are full again
 *
 * So with all lanes full the shares are the weights, whoever holds something is served while others are empty, and what
 * comes late in an urgent lane is next, unless that lane has used up its share of the round. Credit is not saved up: who
 * was empty in one round has no more in the next one. A lane that held something and was not served for `boostMs` has the
 * next turn, of one record. O(1) for each record: five lanes are looked at, whatever they hold.
 */
import { invariant } from '../kernel/invariant.ts'
import { SECOND_MS } from '../kernel/units.ts'
import { firstLane, isSingleLane, LANES, type LaneSet } from './lanes.ts'

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

export class DeficitRoundRobin {
  #weights: LaneWeights
  #boostMs: number
  readonly #credits: number[]
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
   * {@link served}, and ask again. Times are of any clock that does not go back.
   */
  choose(backlogged: LaneSet, nowMs: number): Turn {
    const starved = this.#starved(backlogged, nowMs)
    if (starved !== NEVER) {
      this.#boosts += 1
      return { lane: starved, quota: 1 }
    }
    if (isSingleLane(backlogged)) {
      return { lane: firstLane(backlogged), quota: Number.MAX_SAFE_INTEGER }
    }
    const lane = this.#next(backlogged)
    return { lane, quota: this.#credits[lane] as number }
  }

  /** `holdsMore`: as far as is known; from now on it waits again. */
  served(lane: number, count: number, nowMs: number, holdsMore: boolean): void {
    if (count === 0) return
    // More than its credit only while it is alone, or out of turn: nothing that is held against it later.
    this.#credits[lane] = Math.max(0, (this.#credits[lane] as number) - count)
    this.#waitsSinceMs[lane] = holdsMore ? nowMs : NEVER
  }

  #next(backlogged: LaneSet): number {
    for (let round = 0; ; round += 1) {
      for (let lane = 0; lane < LANES; lane += 1) {
        if ((backlogged & (1 << lane)) !== 0 && (this.#credits[lane] as number) > 0) return lane
      }
      invariant(round === 0, 'some lane holds something')
      for (let lane = 0; lane < LANES; lane += 1) {
        this.#credits[lane] = this.#weights[lane] as number
      }
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
