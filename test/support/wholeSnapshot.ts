import type { SnapshotPieces } from '../../src/state/index.ts'

/** All that is left of it, at once. */
export function wholeSnapshot(pieces: SnapshotPieces): Buffer {
  const taken: Uint8Array[] = []
  for (let piece = pieces.next(); piece !== undefined; piece = pieces.next()) taken.push(piece)
  pieces.close()
  return Buffer.concat(taken)
}
