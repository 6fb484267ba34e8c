/** Passing over records in memory, checked: what scanning, reading and inspecting have in common. */
import { LIMITS } from '../../kernel/limits.ts'
import {
  checksumMatches,
  HEADER_BYTES,
  hasMore,
  recordLength,
  recordOffset,
  recordPriority,
  recordProblem,
  recordTimestampMs,
} from '../../record/index.ts'
import type { IndexBuilder } from './indexBuilder.ts'

/** Something is wrong with the bytes of a file. */
export interface Problem {
  readonly position: number
  readonly reason: string
}

/** How far a walk has come. Positions are in the file. */
export interface Walk {
  position: number
  /** The offset that the record at `position` must have. */
  offset: number
  /** No record may be older. */
  timestampMs: number
  /** Behind the last whole batch. */
  batchEnd: number
  batchEndOffset: number
  batchEndTimestampMs: number
  problem: Problem | undefined
}

export const walkFrom = (position: number, offset: number, timestampMs = 0): Walk => ({
  position,
  offset,
  timestampMs,
  batchEnd: position,
  batchEndOffset: offset,
  batchEndTimestampMs: timestampMs,
  problem: undefined,
})

/**
 * Walks over the whole records of `bytes`, which lie at `bytesAt` in the file; `fileEnd` is where the file's
 * records end. Stops in front of the first record that is not wholly in `bytes`, or at a problem.
 * Returns the bytes that the record it stopped at needs: 0 where there is none.
 */
export function walkRecords(
  walk: Walk,
  bytes: Buffer,
  place: { readonly bytesAt: number; readonly fileEnd: number },
  indexer?: IndexBuilder,
): number {
  const { bytesAt, fileEnd } = place
  let at = walk.position - bytesAt
  while (at < bytes.length) {
    const needed = neededBytes(bytes, at)
    if (at + needed > bytes.length && bytesAt + bytes.length < fileEnd) {
      if (needed <= LIMITS.recordBytesMax && bytesAt + at + needed <= fileEnd) return needed
    }
    const reason = recordFault(bytes, at, walk)
    if (reason !== undefined) {
      walk.problem = { position: bytesAt + at, reason }
      return 0
    }
    passRecord(walk, bytes, at, indexer)
    at += needed
  }
  return 0
}

const neededBytes = (bytes: Buffer, at: number): number =>
  at + HEADER_BYTES <= bytes.length ? recordLength(bytes, at) : HEADER_BYTES

/** What is wrong with the record at `at`, which must be the next of the walk. */
export function recordFault(bytes: Buffer, at: number, walk: Walk): string | undefined {
  const problem = recordProblem(bytes, at, bytes.length)
  if (problem !== undefined) return problem
  if (!checksumMatches(bytes, at)) return 'checksum does not match'
  const offset = recordOffset(bytes, at)
  if (offset !== walk.offset) return `offset ${offset} where ${walk.offset} belongs`
  const timestampMs = recordTimestampMs(bytes, at)
  if (timestampMs < walk.timestampMs) return `time ${timestampMs} before ${walk.timestampMs}`
  return undefined
}

/** Moves the walk behind the record at `at`. */
export function passRecord(
  walk: Walk,
  bytes: Buffer,
  at: number,
  indexer: IndexBuilder | undefined,
): void {
  walk.timestampMs = recordTimestampMs(bytes, at)
  if (indexer !== undefined) {
    if (walk.position >= indexer.nextPosition) {
      indexer.add(walk.offset, walk.position, walk.timestampMs)
    }
    const lane = recordPriority(bytes, at)
    if (lane !== indexer.lane) indexer.turn(walk.offset, lane)
  }
  walk.position += recordLength(bytes, at)
  walk.offset += 1
  if (hasMore(bytes, at)) return
  walk.batchEnd = walk.position
  walk.batchEndOffset = walk.offset
  walk.batchEndTimestampMs = walk.timestampMs
}
