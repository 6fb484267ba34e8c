/**
 * Pieces of one lane that lie close together are read in one go and picked out, the records of other lanes between them
 * passed over: one read for a hundred records that a hundred others lie between, not a hundred.
 */
import type { Piece } from './machine/events.ts'

/** Records that are read at most for each one that is wanted. */
const SPARSE_MAX = 8

/** Pieces in ascending order, read from the first to the end of the last. */
export interface Span {
  readonly pieces: readonly Piece[]
  readonly to: number
  /** Records read for each one wanted. */
  readonly sparsity: number
}

export function spansOf(pieces: readonly Piece[]): readonly Span[] {
  const [only] = pieces
  if (only !== undefined && pieces.length === 1) return [{ pieces, to: only.to, sparsity: 1 }]
  const spans: Span[] = []
  let current: Piece[] = []
  let wanted = 0
  const close = (): void => {
    const [first, last] = [current[0], current.at(-1)]
    if (first === undefined || last === undefined) return
    spans.push({ pieces: current, to: last.to, sparsity: (last.to - first.from) / wanted })
    current = []
    wanted = 0
  }
  for (const piece of pieces) {
    const size = piece.to - piece.from
    const [first, last] = [current[0], current.at(-1)]
    if (first !== undefined && last !== undefined) {
      const isClose = piece.to - first.from <= SPARSE_MAX * (wanted + size)
      if (piece.from < last.to || !isClose) close()
    }
    current.push(piece)
    wanted += size
  }
  close()
  return spans
}
