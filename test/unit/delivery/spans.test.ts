import { describe, expect, test } from 'vitest'
import type { Piece } from '../../../src/delivery/machine/events.ts'
import { spansOf } from '../../../src/delivery/spans.ts'

/** A piece of these ranges of offsets. */
const piece = (...ranges: number[]): Piece => {
  let size = 0
  for (let i = 0; i < ranges.length; i += 2) {
    size += (ranges[i + 1] as number) - (ranges[i] as number)
  }
  const [from, to] = [ranges[0] as number, ranges.at(-1) as number]
  return { from, to, size, outcome: 'done', deliveries: 1, dueMs: 0, ranges } as Piece
}

/** From, to and the records wanted of each span. */
const read = (...pieces: Piece[]): number[][] =>
  spansOf(pieces).map((span) => [
    span.pieces[0]?.from ?? -1,
    span.to,
    span.pieces.reduce((sum, { size }) => sum + size, 0),
  ])

describe('what is read in one go', () => {
  test('is what lies side by side, whatever its pieces', () => {
    expect(read(piece(3, 5), piece(5, 9))).toEqual([[3, 9, 6]])
  })

  test('is every fifth record, and what lies between them', () => {
    const ranges = Array.from({ length: 100 }, (_, i) => [5 * i, 5 * i + 1]).flat()
    expect(read(piece(...ranges))).toEqual([[0, 496, 100]])
  })

  test('is not what many others lie between, however much lies on both sides', () => {
    expect(read(piece(0, 100, 228, 328))).toEqual([[0, 328, 200]])
    expect(read(piece(0, 100, 229, 329))).toEqual([
      [0, 100, 100],
      [229, 329, 100],
    ])
  })

  test('is at most eight records for each that is wanted', () => {
    expect(read(piece(0, 1, 15, 16))).toEqual([[0, 16, 2]])
    expect(read(piece(0, 1, 16, 17))).toEqual([
      [0, 1, 1],
      [16, 17, 1],
    ])
  })
})
