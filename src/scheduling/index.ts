/** Who is served next: lanes of priority, and a fair share for each. */
export { LANES } from '../kernel/priority.ts'
export {
  DEFAULT_BOOST_MS,
  DEFAULT_LANE_WEIGHTS,
  DeficitRoundRobin,
  type LaneWeights,
  type Turn,
} from './deficitRoundRobin.ts'
export {
  ALL_LANES,
  firstLane,
  hasLane,
  isSingleLane,
  type LaneSet,
  LOW_LANES,
  laneBit,
  lowLanesMax,
  NO_LANES,
} from './lanes.ts'
