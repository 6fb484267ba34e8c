/** Picks the records of a span out of what was read of it, and makes parts of them. */
import { isControl, recordLength, recordTimestampMs } from '../record/index.ts'
import type { Piece } from './machine/events.ts'
import { isForeignRedrive } from './redriveMark.ts'
import type { Span } from './spans.ts'

/** How much a reply may still hold. */
export interface Budget {
  bytes: number
  isFirst: boolean
}

export interface Picker {
  readonly group: string
  /** Neighbouring records of one piece. */
  readonly onPart: (piece: Piece, part: PickedPart) => void
  /** Not for this member's eyes. */
  readonly onHidden: (offset: number) => void
  /** So many records were appended at that time, and are handed out for the first time. */
  readonly onAppendedAt: (timestampMs: number, count: number) => void
}

export interface PickedPart {
  readonly bytes: Buffer
  readonly offset: number
  readonly nextOffset: number
}

export class Picking {
  readonly #span: Span
  readonly #picker: Picker
  readonly #budget: Budget
  #nth = 0
  /** The time of the last append that was seen, and how many of its records. */
  #appendedMs = 0
  #appended = 0
  /** The next offset to look at. */
  at: number
  /** The reply is full. */
  isOver = false
  /** Bytes and records that were picked. */
  pickedBytes = 0
  picked = 0

  constructor(span: Span, picker: Picker, budget: Budget) {
    this.#span = span
    this.#picker = picker
    this.#budget = budget
    this.at = span.pieces[0]?.from ?? 0
  }

  /** All of its records were seen. */
  get isDone(): boolean {
    return this.#nth >= this.#span.pieces.length
  }

  /** What was not picked, piece by piece. */
  *rest(): Generator<readonly [from: number, to: number]> {
    for (const piece of this.#span.pieces.slice(this.#nth)) {
      yield [Math.max(piece.from, this.at), piece.to]
    }
  }

  /** Whole records, the first at `at`. */
  take(bytes: Buffer): void {
    let position = 0
    while (position < bytes.length && !this.isDone && !this.isOver) {
      const piece = this.#span.pieces[this.#nth] as Piece
      if (this.at < piece.from) {
        position += recordLength(bytes, position)
        this.at += 1
      } else {
        position = this.#takePiece(bytes, position, piece)
      }
    }
  }

  /** Returns where the records of the piece end. */
  #takePiece(bytes: Buffer, begin: number, piece: Piece): number {
    const { group } = this.#picker
    const isFresh = piece.deliveries === 1
    let [position, start, startOffset] = [begin, begin, this.at]
    while (position < bytes.length && this.at < piece.to) {
      const length = recordLength(bytes, position)
      if (!this.#fits(length)) break
      if (isControl(bytes, position) || isForeignRedrive(bytes, position, group)) {
        this.#close(piece, bytes.subarray(start, position), startOffset)
        this.#picker.onHidden(this.at)
        start = position + length
        startOffset = this.at + 1
      } else if (isFresh) {
        this.#appendedAt(recordTimestampMs(bytes, position))
      }
      position += length
      this.at += 1
    }
    this.#tellAppended()
    this.#close(piece, bytes.subarray(start, position), startOffset)
    if (this.at === piece.to) this.#nth += 1
    return position
  }

  /** Those of one batch are told of together. */
  #appendedAt(timestampMs: number): void {
    if (timestampMs !== this.#appendedMs) {
      this.#tellAppended()
      this.#appendedMs = timestampMs
    }
    this.#appended += 1
  }

  #tellAppended(): void {
    if (this.#appended > 0) this.#picker.onAppendedAt(this.#appendedMs, this.#appended)
    this.#appended = 0
  }

  /** A reply holds one record also where it is larger than it may be. */
  #fits(length: number): boolean {
    const budget = this.#budget
    if (length > budget.bytes && !budget.isFirst) {
      this.isOver = true
      return false
    }
    budget.bytes -= length
    budget.isFirst = false
    this.pickedBytes += length
    this.picked += 1
    return true
  }

  #close(piece: Piece, bytes: Buffer, offset: number): void {
    if (this.at > offset) this.#picker.onPart(piece, { bytes, offset, nextOffset: this.at })
  }
}
