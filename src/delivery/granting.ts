/** What one poll has been granted so far, and how much more it may be. */
import type { Platform } from '../kernel/platform.ts'
import { NORMAL_PRIORITY } from '../kernel/priority.ts'
import type { Grant, Granted, Wanted } from './grants.ts'
import type { Ledger } from './ledger.ts'
import type { Place } from './places.ts'

const NONCES = 0x1_0000_0000

export class Granting {
  readonly ledger: Ledger
  readonly #platform: Platform
  readonly #wanted: Wanted
  readonly #grants: Grant[] = []
  #left: number
  #leftBytes: number
  #nonce = -1
  /** Records that are set aside for it. */
  #reserved = 0
  #isLimited = false
  #isCapped = false
  #isFull = false
  #loading: Promise<void> | undefined

  constructor(ledger: Ledger, platform: Platform, wanted: Wanted) {
    this.ledger = ledger
    this.#platform = platform
    this.#wanted = wanted
    this.#left = wanted.maxMessages
    this.#leftBytes = wanted.maxBytes
  }

  /** It may be granted nothing more. */
  get isFull(): boolean {
    return this.#isFull || this.#left <= 0
  }

  get isEmpty(): boolean {
    return this.#grants.length === 0
  }

  /** How many more records it may be granted. */
  get left(): number {
    return this.#left
  }

  nowMs(): number {
    return this.ledger.clock.nowMs()
  }

  /** False where the place does not serve. What retention took is passed over, and said. */
  open(place: Place): boolean {
    const { window, partition } = place
    if (!partition.isOpen) return false
    const { start } = partition.offsets()
    if (window.cursor < start || (window.ready.first ?? start) < start) this.#skip(place, start)
    return true
  }

  /** Leases up to `max` records of one lane. Returns how many it came to. */
  lease(place: Place, lane: number, max: number): number {
    const fits = this.#fitting(place, max)
    if (fits < 1) return 0
    const count = this.#lease(place, lane, fits)
    this.#took(place, count)
    return count
  }

  /** Sets up to `max` records aside, to be leased by {@link leaseReserved}. Returns how many. */
  reserve(place: Place, max: number): number {
    const fits = this.#fitting(place, max)
    if (fits < 1) return 0
    this.#reserved += fits
    this.#took(place, fits)
    return fits
  }

  /** How many more of the place's records its member may hold, and the group leave unsettled, as things stand. */
  roomOf({ window }: Place): { readonly ofMember: number; readonly ofWindow: number } {
    const { state } = this.ledger
    const { inFlightMax, unresolvedMax } = state.policyOf(window.group.name, window.topic)
    const held = window.group.holders.get(this.#wanted.memberId)?.inFlight ?? 0
    const ofMember = inFlightMax - held - this.#reserved
    return { ofMember, ofWindow: unresolvedMax - window.unresolved }
  }

  /** Leases what was set aside. Returns how many records it came to; fewer where they are not there after all. */
  leaseReserved(place: Place, lane: number, count: number): number {
    this.#reserved -= count
    return this.#lease(place, lane, count)
  }

  /** There is something, and a limit is in the way. */
  limited(): void {
    this.#isLimited = true
  }

  /** Of `max` records as many as there is room for; the first one is always given. */
  #fitting(place: Place, max: number): number {
    const fits = Math.min(max, this.#left, fitting(place, this.#leftBytes))
    if (fits >= 1) return fits
    if (this.#grants.length === 0 && this.#reserved === 0) return 1
    this.#isFull = true
    return 0
  }

  #took(place: Place, count: number): void {
    this.#left -= count
    this.#leftBytes -= count * place.recordBytes
  }

  #lease(place: Place, lane: number, max: number): number {
    if (this.#nonce < 0) this.#nonce = Math.floor(this.#platform.random() * NONCES)
    const { window, partition, lanes } = place
    const { memberId: member, visibilityMs } = this.#wanted
    // Plain fields: once for each poll at least.
    const { pieces, isAlone, fresh } = this.ledger.execute({
      kind: 'lease',
      window: window.id,
      member,
      nonce: this.#nonce,
      lane,
      max,
      end: partition.offsets().next,
      visibilityMs,
      isFirst: this.#grants.length === 0,
      view: lanes.isPlain ? undefined : lanes,
    })
    if (pieces.length === 0) {
      this.#isLimited = true
      return 0
    }
    lanes.leased(lane, fresh ?? 0)
    this.#grants.push({ place, nonce: this.#nonce, lane, pieces })
    const count = pieces.reduce((sum, { size }) => sum + size, 0)
    place.served(lane, count)
    if (isAlone) this.#isFull = true
    return count
  }

  /** There is something, and the two lowest lanes may have no more. */
  capped(): void {
    this.#isCapped = true
  }

  /** What comes next must be loaded first. */
  waitFor(place: Place): void {
    this.#isFull = true
    if (this.#loading !== undefined) return
    this.#loading = place.lanes.load()
    // Whoever got something else does not wait for it.
    this.#loading.catch(() => undefined)
  }

  granted(): Granted {
    const grants = this.#grants
    if (grants.length > 0) return { grants, isLimited: false, isCapped: false, loading: undefined }
    return {
      grants,
      isLimited: this.#isLimited,
      isCapped: this.#isCapped,
      loading: this.#loading,
    }
  }

  /** What retention took unread is counted and said, never passed over in silence. */
  #skip({ window, lanes }: Place, start: number): void {
    const { totals } = this.ledger.state
    const before = totals.retentionSkipped
    const unreadBefore = lanes.total
    // The counts know what the log has forgotten.
    const wasPlain = lanes.isPlain
    lanes.recount()
    const unread = wasPlain
      ? Math.max(0, start - window.cursorOf(NORMAL_PRIORITY))
      : Math.max(0, unreadBefore - lanes.total)
    this.ledger.execute({ kind: 'retain', window: window.id, start, unread })
    lanes.recount()
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
