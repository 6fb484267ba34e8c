/** Choosing records for one poll: lane first, then the member's windows in rotation; each choice is journaled in the same step. */

import type { Platform } from '../kernel/platform.ts'
import { NORMAL_PRIORITY } from '../kernel/priority.ts'
import { Granting } from './granting.ts'
import type { GroupLanes } from './lanes/groupLanes.ts'
import { grantByLane } from './lanes/laneTurns.ts'
import type { Ledger } from './ledger.ts'
import type { Piece } from './machine/events.ts'
import type { Place } from './places.ts'

/** What a poll asks for. */
export interface Wanted {
  readonly memberId: string
  readonly maxMessages: number
  readonly maxBytes: number
  readonly visibilityMs: number | undefined
}

export interface Grant {
  readonly place: Place
  readonly nonce: number
  /** The priority of all of its records. */
  readonly lane: number
  readonly pieces: readonly Piece[]
}

/**
 * Of one place and lane what a poll got in several turns becomes one grant: it is read together. The most urgent lane
 * comes first.
 */
export function joinedGrants(grants: readonly Grant[]): readonly Grant[] {
  if (grants.length < 2) return grants
  const byPlace = new Map<Place, Map<number, Piece[]>>()
  const joined: Grant[] = []
  for (const grant of grants) {
    const { place, lane, pieces } = grant
    const lanes = byPlace.get(place) ?? new Map<number, Piece[]>()
    byPlace.set(place, lanes)
    const known = lanes.get(lane)
    if (known !== undefined) {
      for (const piece of pieces) known.push(piece)
      continue
    }
    const all = [...pieces]
    lanes.set(lane, all)
    joined.push({ ...grant, pieces: all })
  }
  return joined.sort((a, b) => a.lane - b.lane)
}

export interface Granted {
  readonly grants: readonly Grant[]
  /** Nothing was granted though there is something: a limit is in the way. */
  readonly isLimited: boolean
  /** The same, and the limit is that of the two lowest lanes. */
  readonly isCapped: boolean
  /** Nothing was granted, and it may be otherwise when this has resolved. Rejects where the lanes cannot be read. */
  readonly loading: Promise<void> | undefined
}

const TURNS = 0x4000_0000

export class Granter {
  readonly #ledger: Ledger
  readonly #platform: Platform
  #turn = 0

  constructor(ledger: Ledger, platform: Platform) {
    this.#ledger = ledger
    this.#platform = platform
  }

  /** One synchronous step; durable when the ledger has committed. */
  grant(places: readonly Place[], wanted: Wanted, lanes: GroupLanes): Granted {
    this.#ledger.ripen()
    const granting = new Granting(this.#ledger, this.#platform, wanted)
    const turn = this.#turn
    this.#turn = (turn + 1) % TURNS
    if (lanes.mixed > 0) return grantByLane(granting, places, turn, lanes)
    for (let i = 0; i < places.length && !granting.isFull; i += 1) {
      const place = places[(turn + i) % places.length] as Place
      if (granting.open(place) && hasPlain(place)) {
        granting.lease(place, NORMAL_PRIORITY, Number.MAX_SAFE_INTEGER)
      }
    }
    return granting.granted()
  }
}

const hasPlain = ({ window, lanes }: Place): boolean =>
  !window.ready.isEmpty || lanes.unread(NORMAL_PRIORITY) > 0
