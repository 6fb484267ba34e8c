/** The five lanes, and sets of them as bits: bit 0 is `critical`, bit 4 `background`. */
import { LANES } from '../kernel/priority.ts'

/** Lanes as bits. */
export type LaneSet = number

export const NO_LANES: LaneSet = 0
export const ALL_LANES: LaneSet = (1 << LANES) - 1
/** The two lanes that must not hold every worker: `low` and `background`. */
export const LOW_LANES: LaneSet = (1 << 3) | (1 << 4)

export const laneBit = (lane: number): LaneSet => 1 << lane
export const hasLane = (lanes: LaneSet, lane: number): boolean => (lanes & (1 << lane)) !== 0
export const isSingleLane = (lanes: LaneSet): boolean => (lanes & (lanes - 1)) === 0

/** The most urgent lane of a set that is not empty. */
export const firstLane = (lanes: LaneSet): number => 31 - Math.clz32(lanes & -lanes)

/** How many of a group's `slots` the two lowest lanes may hold together: its share, and one at least. */
export const lowLanesMax = (share: number, slots: number): number =>
  Math.max(1, Math.floor(share * slots))
