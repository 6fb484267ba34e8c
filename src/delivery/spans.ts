/**
 * Pieces of one lane that lie close together are read in one go and picked out, the records of other lanes between them
 * passed over: one read for a hundred records that a hundred others lie between, not a hundred.
 */
import type { Piece } from './machine/events.ts'

/** Records that are read at most for each one that is wanted. */
export const SPARSE_MAX = 8

/** Records in between that are passed over at most: some more cost as much as another read (bench lanes-work). */
const GAP_MAX = 128

/** Pieces in ascending order, read from the first to the end of the last. */
export interface Span {
  /** Those that lie in it, or their parts that do. */
  readonly pieces: readonly Piece[]
  readonly to: number
  /** Records read for each one wanted. */
  readonly sparsity: number
}

/** Other records lie between those that are wanted. What is picked of what was read is copied then. */
export const isSparse = ({ sparsity }: Span): boolean => sparsity > 1

export function spansOf(pieces: readonly Piece[]): readonly Span[] {
  const [only] = pieces
  if (only !== undefined && pieces.length === 1 && only.ranges === undefined) {
    return [{ pieces, to: only.to, sparsity: 1 }]
  }
  const gathering = new Gathering()
  for (const piece of pieces) {
    const { ranges = [piece.from, piece.to] } = piece
    for (let i = 0; i + 1 < ranges.length; i += 2) {
      gathering.add(piece, ranges[i] as number, ranges[i + 1] as number)
    }
  }
  gathering.close()
  return gathering.spans
}

class Gathering {
  readonly spans: Span[] = []
  #pieces: Piece[] = []
  /** The piece that is being added, and what of it is in the span. */
  #piece: Piece | undefined
  #begin = 0
  #size = 0
  /** Of the span. */
  #from = 0
  #to = 0
  #wanted = 0

  add(piece: Piece, from: number, to: number): void {
    const size = to - from
    const gap = from - this.#to
    const isNear = gap >= 0 && gap <= GAP_MAX
    const isClose = isNear && to - this.#from <= SPARSE_MAX * (this.#wanted + size)
    if (this.#piece !== undefined && !isClose) this.close()
    if (this.#piece === undefined) this.#from = from
    if (this.#piece !== piece) {
      this.#addPiece()
      this.#piece = piece
      this.#begin = from
      this.#size = 0
    }
    this.#size += size
    this.#wanted += size
    this.#to = to
  }

  close(): void {
    this.#addPiece()
    const [pieces, to] = [this.#pieces, this.#to]
    const sparsity = (to - this.#from) / this.#wanted
    if (pieces.length > 0) this.spans.push({ pieces, to, sparsity })
    this.#pieces = []
    this.#piece = undefined
    this.#wanted = 0
  }

  #addPiece(): void {
    if (this.#piece === undefined) return
    const { outcome, deliveries, dueMs } = this.#piece
    const to = this.#to
    this.#pieces.push({ from: this.#begin, to, size: this.#size, outcome, deliveries, dueMs })
    this.#piece = undefined
  }
}
