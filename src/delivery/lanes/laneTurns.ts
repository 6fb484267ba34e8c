/**
 * Serving a poll where records are not all normal: the group's turns say which lane is next and for how many records, and
 * these are taken from the member's windows that hold any, one after the other.
 */
import { hasLane, type LaneSet, LOW_LANES, laneBit, NO_LANES } from '../../scheduling/index.ts'
import type { Granting } from '../granting.ts'
import type { Granted } from '../grants.ts'
import type { Place } from '../places.ts'
import type { GroupLanes } from './groupLanes.ts'

export function grantByLane(
  granting: Granting,
  places: readonly Place[],
  turn: number,
  lanes: GroupLanes,
): Granted {
  const poll = new LanePoll(granting, places, turn)
  const nowMs = granting.nowMs()
  while (!granting.isFull) {
    const lowRoom = lanes.lowRoom
    const open = lowRoom > 0 ? poll.lanes : poll.lanes & ~LOW_LANES
    if (open !== poll.lanes) granting.capped()
    if (open === NO_LANES) break
    const { lane, quota } = lanes.turns.choose(open, nowMs, poll.lanes & ~open)
    const room = hasLane(LOW_LANES, lane) ? Math.min(quota, lowRoom) : quota
    const taken = poll.take(lane, Math.min(room, granting.left))
    lanes.turns.served(lane, taken, nowMs, hasLane(poll.lanes, lane))
  }
  return granting.granted()
}

class LanePoll {
  readonly #granting: Granting
  /** The member's, in the order in which they are asked. */
  readonly #places: Place[] = []
  /** Of each the lanes that may still give something. */
  readonly #backlogs: LaneSet[] = []
  /** All of them together. */
  lanes: LaneSet = NO_LANES

  constructor(granting: Granting, places: readonly Place[], turn: number) {
    this.#granting = granting
    for (let i = 0; i < places.length; i += 1) {
      const place = places[(turn + i) % places.length] as Place
      if (granting.open(place)) this.#add(place)
    }
  }

  /** Takes up to `max` records of the lane. Returns how many there were; fewer: the lane gives no more to this poll. */
  take(lane: number, max: number): number {
    let taken = 0
    for (let i = 0; i < this.#places.length; i += 1) {
      if (!hasLane(this.#backlogs[i] as LaneSet, lane)) continue
      taken += this.#takeFrom(i, lane, max - taken)
      if (taken >= max || this.#granting.isFull) return taken
    }
    this.lanes &= ~laneBit(lane)
    return taken
  }

  #add(place: Place): void {
    place.lanes.refresh()
    if (place.lanes.mustLoad) this.#granting.waitFor(place)
    const { backlog } = place.lanes
    if (backlog === NO_LANES) return
    this.#places.push(place)
    this.#backlogs.push(backlog)
    this.lanes |= backlog
  }

  #takeFrom(i: number, lane: number, max: number): number {
    const granting = this.#granting
    const place = this.#places[i] as Place
    let taken = 0
    while (taken < max && !granting.isFull) {
      const count = granting.lease(place, lane, max - taken)
      taken += count
      // One at a time is no reason to ask further: it is a limit, or all there was.
      if (count === 0 || !hasLane(place.lanes.backlog, lane)) {
        this.#backlogs[i] = (this.#backlogs[i] as LaneSet) & ~laneBit(lane)
        if (count === 0 && place.lanes.mustLoad) granting.waitFor(place)
        break
      }
    }
    return taken
  }
}
