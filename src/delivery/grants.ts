/** Choosing records for one poll: over the member's windows in rotation, each chosen and journaled in the same step. */
import type { Platform } from '../kernel/platform.ts'
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
  readonly pieces: readonly Piece[]
}

export interface Granted {
  readonly grants: readonly Grant[]
  /** Nothing was granted though there is something: a limit is in the way. */
  readonly isLimited: boolean
}

const NONCES = 0x1_0000_0000
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
  grant(places: readonly Place[], wanted: Wanted): Granted {
    this.#ledger.ripen()
    const grants: Grant[] = []
    let { maxMessages: left, maxBytes: leftBytes } = wanted
    let nonce = -1
    let isLimited = false
    const turn = this.#turn
    this.#turn = (turn + 1) % TURNS
    for (let i = 0; i < places.length && left > 0; i += 1) {
      const place = places[(turn + i) % places.length] as Place
      const end = this.#endOf(place)
      if (end === undefined) continue
      if (nonce < 0) nonce = Math.floor(this.#platform.random() * NONCES)
      const isFirst = grants.length === 0
      const max = Math.min(left, fitting(place, leftBytes))
      if (max < 1 && !isFirst) break
      const { pieces, isAlone } = this.#ledger.execute({
        ...{ kind: 'lease', window: place.window.id, member: wanted.memberId, nonce },
        ...{ max: Math.max(1, max), end, visibilityMs: wanted.visibilityMs, isFirst },
      })
      if (pieces.length === 0) {
        isLimited = true
        continue
      }
      grants.push({ place, nonce, pieces })
      const count = pieces.reduce((sum, { from, to }) => sum + to - from, 0)
      left -= count
      leftBytes -= count * place.recordBytes
      if (isAlone) break
    }
    return { grants, isLimited: isLimited && grants.length === 0 }
  }

  /** The end of the log; undefined where there is nothing to hand out. */
  #endOf(place: Place): number | undefined {
    const { window, partition } = place
    if (!partition.isOpen) return undefined
    const { start, next } = partition.offsets()
    const first = Math.min(window.cursor, window.ready[0]?.from ?? window.cursor)
    if (first < start) this.#skip(place, start)
    return window.ready.length > 0 || window.cursor < next ? next : undefined
  }

  /** What retention took unread is counted and said, never passed over in silence. */
  #skip({ window }: Place, start: number): void {
    const { totals } = this.#ledger.state
    const before = totals.retentionSkipped
    this.#ledger.execute({ kind: 'retain', window: window.id, start })
    const { topic, partition } = window
    const records = totals.retentionSkipped - before
    this.#platform.logger.warn(
      { group: window.group.name, topic, partition, records, earliest: start },
      'retention took records that the group had not settled',
    )
  }
}

/** How many of its records are likely to fit. */
const fitting = ({ recordBytes }: Place, bytes: number): number =>
  recordBytes === 0 ? Number.MAX_SAFE_INTEGER : Math.floor(bytes / recordBytes)
