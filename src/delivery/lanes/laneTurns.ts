/**
 * Serving a poll where records are not all normal: the group's turns say which lane is next and for how many records, and
 * these are taken from the member's windows that hold any, one after the other.
 */
import {
  hasLane,
  LANES,
  type LaneSet,
  LOW_LANES,
  laneBit,
  NO_LANES,
} from '../../scheduling/index.ts'
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
    const lowRoom = lanes.lowRoom - poll.reservedLow
    const open = lowRoom > 0 ? poll.lanes : poll.lanes & ~LOW_LANES
    if (open !== poll.lanes) granting.capped()
    if (open === NO_LANES) break
    const { lane, quota } = lanes.turns.choose(open, nowMs, poll.lanes & ~open)
    const room = hasLane(LOW_LANES, lane) ? Math.min(quota, lowRoom) : quota
    const taken = poll.take(lane, Math.min(room, granting.left))
    lanes.turns.served(lane, taken, nowMs, hasLane(poll.lanes, lane))
  }
  poll.leaseReserved()
  return granting.granted()
}

/** A place of the member, and what this poll may still have of it. */
interface Source {
  readonly place: Place
  /** The lanes that may still give something. */
  lanes: LaneSet
  /** Nothing but what was never handed out: what there is is known without asking the machine. */
  readonly isCounted: boolean
  /** Set aside of each lane, to be leased when the poll has had all its turns: one hand-out for each lane, not for each turn. */
  readonly reserved: number[]
  /** How many more may be unsettled. */
  room: number
}

class LanePoll {
  readonly #granting: Granting
  /** The member's, in the order in which they are asked. */
  readonly #sources: Source[] = []
  /** All lanes that may still give something. */
  lanes: LaneSet = NO_LANES
  /** Records of the two lowest lanes that are set aside. */
  reservedLow = 0

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
    for (const source of this.#sources) {
      if (!hasLane(source.lanes, lane)) continue
      const left = max - taken
      taken += source.isCounted
        ? this.#reserve(source, lane, left)
        : this.#takeFrom(source, lane, left)
      if (taken >= max || this.#granting.isFull) return taken
    }
    this.lanes &= ~laneBit(lane)
    return taken
  }

  /** Leases what was set aside, the most urgent first. */
  leaseReserved(): void {
    for (let lane = 0; lane < LANES; lane += 1) {
      for (const { place, reserved } of this.#sources) {
        const count = reserved[lane] as number
        if (count === 0) continue
        const leased = this.#granting.leaseReserved(place, lane, count)
        if (leased === 0 && place.lanes.mustLoad) this.#granting.waitFor(place)
      }
    }
  }

  #add(place: Place): void {
    place.lanes.refresh()
    if (place.lanes.mustLoad) this.#granting.waitFor(place)
    const { backlog: lanes } = place.lanes
    if (lanes === NO_LANES) return
    const { ofWindow: room } = this.#granting.roomOf(place)
    const isCounted = place.window.ready.isEmpty && !place.lanes.mustLoad
    this.#sources.push({ place, lanes, isCounted, reserved: NOTHING.slice(), room })
    this.lanes |= lanes
  }

  #reserve(source: Source, lane: number, max: number): number {
    const granting = this.#granting
    const { place, reserved } = source
    const set = reserved[lane] as number
    const there = place.lanes.unread(lane) - set
    const room = Math.min(source.room, granting.roomOf(place).ofMember)
    if (room <= 0) granting.limited()
    const count =
      Math.min(there, room) <= 0 ? 0 : granting.reserve(place, Math.min(max, there, room))
    reserved[lane] = set + count
    source.room -= count
    if (hasLane(LOW_LANES, lane)) this.reservedLow += count
    if (count === 0 || count === there) source.lanes &= ~laneBit(lane)
    return count
  }

  #takeFrom(source: Source, lane: number, max: number): number {
    const granting = this.#granting
    const { place } = source
    let taken = 0
    while (taken < max && !granting.isFull) {
      const count = granting.lease(place, lane, max - taken)
      taken += count
      // One at a time is no reason to ask further: it is a limit, or all there was.
      if (count === 0 || !hasLane(place.lanes.backlog, lane)) {
        source.lanes &= ~laneBit(lane)
        if (count === 0 && place.lanes.mustLoad) granting.waitFor(place)
        break
      }
    }
    return taken
  }
}

const NOTHING: readonly number[] = new Array<number>(LANES).fill(0)
