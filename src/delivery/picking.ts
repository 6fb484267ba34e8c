/** Picks the records of a span out of what was read of it, and makes parts of them. */
import { isControl, recordLength, recordPriority, recordTimestampMs } from '../record/index.ts'
import type { Piece } from './machine/events.ts'
import { isForeignRedrive } from './redriveMark.ts'
import { isSparse, type Span } from './spans.ts'

/** How much a reply may still hold. */
export interface Budget {
  bytes: number
  isFirst: boolean
}

export interface Picker {
  readonly group: string
  /** Only records of it are picked. */
  readonly lane: number
  /** Records of one piece. */
  readonly onPart: (piece: Piece, part: PickedPart) => void
  /** Not for this member's eyes. */
  readonly onHidden: (offset: number) => void
  /** So many records were appended at that time, and are handed out for the first time. */
  readonly onAppendedAt: (timestampMs: number, count: number) => void
}

export interface PickedPart {
  readonly bytes: Buffer
  readonly count: number
  /** Of the first. */
  readonly offset: number
  readonly nextOffset: number
}

/** No record is of it. */
const NO_LANE = -1

export class Picking {
  readonly #span: Span
  readonly #picker: Picker
  readonly #budget: Budget
  #nth = 0
  /** The time of the last append that was seen, and how many of its records. */
  #appendedMs = 0
  #appended = 0
  /** Of the part that is being picked: where it begins and ends in what was read, once for each stretch. */
  #stretches: number[] = []
  #count = 0
  #firstOffset = 0
  #lastOffset = 0
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
      position = this.#passOver(bytes, position, piece.from, NO_LANE)
      position = this.#takePiece(bytes, position, piece)
    }
  }

  /** Goes on to `to`, to a record of the lane or to the end of the bytes, whatever comes first; returns where it lies. */
  #passOver(bytes: Buffer, begin: number, to: number, lane: number): number {
    let { at } = this
    let position = begin
    while (position < bytes.length && at < to && recordPriority(bytes, position) !== lane) {
      position += recordLength(bytes, position)
      at += 1
    }
    this.at = at
    return position
  }

  /** Returns where the records of the piece end. */
  #takePiece(bytes: Buffer, begin: number, piece: Piece): number {
    const { lane } = this.#picker
    // Records of other lanes lie between its own.
    const isScattered = piece.size < piece.to - piece.from
    let position = begin
    for (;;) {
      if (isScattered) position = this.#passOver(bytes, position, piece.to, lane)
      if (position >= bytes.length || this.at >= piece.to) break
      const length = recordLength(bytes, position)
      if (!this.#takeRecord(bytes, position, length, piece)) break
      position += length
      this.at += 1
    }
    this.#tellAppended()
    if (this.#count > 0) {
      const [count, offset, nextOffset] = [this.#count, this.#firstOffset, this.#lastOffset + 1]
      const part = { bytes: this.#gathered(bytes), count, offset, nextOffset }
      this.#picker.onPart(piece, part)
      this.#count = 0
    }
    if (this.at === piece.to) this.#nth += 1
    return position
  }

  /** False where there is no room for it. */
  #takeRecord(bytes: Buffer, position: number, length: number, { deliveries }: Piece): boolean {
    if (!this.#fits(length)) return false
    if (this.#isHidden(bytes, position)) return true
    if (deliveries === 1) this.#appendedAt(recordTimestampMs(bytes, position))
    if (this.#count === 0) this.#firstOffset = this.at
    this.#lastOffset = this.at
    this.#count += 1
    this.#pick(position, position + length)
    return true
  }

  #isHidden(bytes: Buffer, position: number): boolean {
    const isHidden =
      isControl(bytes, position) || isForeignRedrive(bytes, position, this.#picker.group)
    if (isHidden) this.#picker.onHidden(this.at)
    return isHidden
  }

  #pick(begin: number, end: number): void {
    const stretches = this.#stretches
    const last = stretches.length - 1
    if (last > 0 && stretches[last] === begin) stretches[last] = end
    else stretches.push(begin, end)
  }

  /** What was picked in one piece: a view where all that was read is wanted, else a copy. */
  #gathered(bytes: Buffer): Buffer {
    const stretches = this.#stretches
    this.#stretches = []
    const isAlone = stretches.length === 2 && !isSparse(this.#span)
    if (isAlone) return bytes.subarray(stretches[0], stretches[1])
    let length = 0
    for (let i = 0; i < stretches.length; i += 2) {
      length += (stretches[i + 1] as number) - (stretches[i] as number)
    }
    const picked = Buffer.allocUnsafe(length)
    let at = 0
    for (let i = 0; i < stretches.length; i += 2) {
      at += bytes.copy(picked, at, stretches[i] as number, stretches[i + 1] as number)
    }
    return picked
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
}
