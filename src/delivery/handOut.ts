/** From what was granted to what the member gets: the records themselves, as they lie in the log. */
import { BrokerError } from '../kernel/errors.ts'
import { offset } from '../kernel/units.ts'
import { isControl, recordLength, recordPriority, recordTimestampMs } from '../record/index.ts'
import type { Grant } from './grants.ts'
import type { LaneWaits } from './lanes/laneWaits.ts'
import type { Ledger } from './ledger.ts'
import type { Piece } from './machine/events.ts'
import type { Place } from './places.ts'
import { isForeignRedrive } from './redriveMark.ts'

/** Neighbouring records of one hand-out that were handed out equally often. */
export interface DeliveredPart {
  readonly topic: string
  readonly partition: number
  /** Whole records as stored, the first at `offset`. */
  readonly bytes: Buffer
  readonly count: number
  readonly offset: number
  readonly nextOffset: number
  /** With the offset it names the lease: 32 bits. */
  readonly nonce: number
  readonly deliveryCount: number
  /** Wall time at which the lease ends, in milliseconds since 1970. */
  readonly deadlineMs: number
}

export interface Delivered {
  readonly parts: readonly DeliveredPart[]
  /**
   * The hand-out did not take place: all of it, or of each part what is from the offset in `from` on. It is not
   * counted, and others get the records at once.
   */
  readonly putBack: (from?: readonly number[]) => void
}

export interface HandOutOptions {
  readonly ledger: Ledger
  readonly waits: LaneWaits
  /** Wall time. */
  readonly nowMs: () => number
  /** Records were given back. */
  readonly onGivenBack: (place: Place) => void
}

interface Part extends DeliveredPart {
  readonly place: Place
}

interface Budget {
  bytes: number
  isFirst: boolean
}

export class HandOut {
  readonly #options: HandOutOptions

  constructor(options: HandOutOptions) {
    this.#options = options
  }

  /**
   * Resolves when a crash of the process cannot undo the hand-out. What does not fit, or cannot be read, is given back;
   * rejects with why where nothing can be read.
   */
  async deliver(grants: readonly Grant[], maxBytes: number): Promise<Delivered> {
    const committed = this.#options.ledger.committed()
    // Awaited below; a read that fails first must not leave it unheard.
    committed.catch(() => undefined)
    const parts: Part[] = []
    const budget: Budget = { bytes: maxBytes, isFirst: true }
    let failure: unknown
    for (const grant of grants) {
      for (const piece of grant.pieces) {
        try {
          await this.#readPiece(grant, piece, budget, parts)
        } catch (error) {
          failure ??= error
        }
      }
    }
    await committed
    if (parts.length === 0 && failure !== undefined && isTelling(failure)) throw failure
    return { parts, putBack: (from) => this.#putBack(parts, from) }
  }

  async #readPiece(grant: Grant, piece: Piece, budget: Budget, parts: Part[]): Promise<void> {
    const { place } = grant
    let at = piece.from
    try {
      while (at < piece.to && (budget.bytes > 0 || budget.isFirst)) {
        const limit = { maxBytes: Math.max(1, budget.bytes), maxRecords: piece.to - at }
        const { bytes, count, nextOffset } = await place.partition.read(offset(at), limit)
        if (count === 0) break
        // A read returns one record also where it is larger than what is left.
        if (bytes.length > budget.bytes && !budget.isFirst) break
        place.measured(bytes.length, count)
        budget.bytes -= bytes.length
        budget.isFirst = false
        this.#addParts(parts, { grant, piece, bytes, from: at, to: nextOffset })
        at = nextOffset
      }
    } finally {
      if (at < piece.to) this.#giveBack(grant.place, grant.nonce, at, piece.to)
    }
  }

  /** What is not for this member's eyes is settled, and the rest handed out around it. */
  #addParts(parts: Part[], read: ReadPiece): void {
    const { grant, piece, bytes } = read
    if (piece.deliveries === 1) this.#waited(bytes, read.to - read.from)
    const { window } = grant.place
    let offsetNow = read.from
    let start = 0
    let startOffset = read.from
    const close = (end: number): void => {
      if (offsetNow === startOffset) return
      parts.push({
        place: grant.place,
        topic: window.topic,
        partition: window.partition,
        bytes: bytes.subarray(start, end),
        count: offsetNow - startOffset,
        offset: startOffset,
        nextOffset: offsetNow,
        nonce: grant.nonce,
        deliveryCount: piece.deliveries,
        deadlineMs: this.#options.ledger.clock.wallMs(piece.dueMs),
      })
    }
    let at = 0
    while (at < bytes.length) {
      const length = recordLength(bytes, at)
      if (isControl(bytes, at) || isForeignRedrive(bytes, at, window.group.name)) {
        close(at)
        this.#pass(grant, offsetNow)
        start = at + length
        startOffset = offsetNow + 1
      }
      offsetNow += 1
      at += length
    }
    close(at)
  }

  /** Notes how long each of them waited for its first hand-out; they are of one lane. */
  #waited(bytes: Buffer, count: number): void {
    const { waits } = this.#options
    const nowMs = this.#options.nowMs()
    const lane = recordPriority(bytes, 0)
    let at = 0
    for (let i = 0; i < count; i += 1) {
      waits.waited(lane, Math.max(0, nowMs - recordTimestampMs(bytes, at)), 1)
      at += recordLength(bytes, at)
    }
  }

  #pass({ place, nonce }: Grant, at: number): void {
    const receipts = { window: place.window.id, nonce, from: at, to: at + 1, deliveries: 0 }
    this.#options.ledger.execute({ kind: 'pass', ...receipts })
  }

  #putBack(parts: readonly Part[], from: readonly number[] | undefined): void {
    for (const [i, { place, nonce, offset: first, nextOffset }] of parts.entries()) {
      const begin = from === undefined ? first : (from[i] ?? nextOffset)
      if (begin < nextOffset) this.#giveBack(place, nonce, begin, nextOffset)
    }
  }

  #giveBack(place: Place, nonce: number, from: number, to: number): void {
    const receipts = { window: place.window.id, nonce, from, to, deliveries: 0 }
    try {
      this.#options.ledger.execute({ kind: 'takeBack', ...receipts })
      this.#options.onGivenBack(place)
    } catch (error) {
      // The lease ends by its time then.
      if (!(error instanceof BrokerError)) throw error
    }
  }
}

interface ReadPiece {
  readonly grant: Grant
  readonly piece: Piece
  readonly bytes: Buffer
  readonly from: number
  readonly to: number
}

/** Retention or a deletion came in between: there is simply nothing. */
const isTelling = (error: unknown): boolean =>
  !(error instanceof BrokerError) ||
  (error.code !== 'OFFSET_OUT_OF_RANGE' && error.code !== 'TOPIC_NOT_FOUND')
