/** Reading assigned partitions from positions that the member keeps itself: what the SDK's consumer does. */
import type { AbortNotice } from '../kernel/caller.ts'
import type { Fetched, FetchRead } from '../topics/index.ts'
import type { Coordinator } from './coordinator.ts'
import { checkAssigned } from './decide.ts'
import { attend, type Read, visitOf } from './visit.ts'

export interface GroupFetchRequest {
  readonly group: string
  readonly memberId: string
  readonly generation: number
  readonly reads: readonly FetchRead[]
  /** Bytes that the reply should not exceed; one record is returned even where it is larger. */
  readonly maxBytes: number
  /** How long to wait where there is nothing. */
  readonly waitMs: number
}

/**
 * As a fetch without a group; ends early, with no records, where the member's generation has ended or ends meanwhile.
 * Counts as a heartbeat. Rejects with GROUP_NOT_FOUND, UNKNOWN_MEMBER, STALE_GENERATION and NOT_ASSIGNED.
 */
export async function fetchAssigned(
  coordinator: Coordinator,
  request: GroupFetchRequest,
  signal: AbortNotice | undefined,
): Promise<Read<readonly Fetched[]>> {
  const { memberId, reads, maxBytes, waitMs } = request
  const visit = visitOf(coordinator, request.group, memberId, request.generation)
  return await attend(coordinator, visit, signal, async (until) => {
    for (const read of reads) checkAssigned(visit.group, memberId, read)
    const limit = { maxBytes, maxRecords: Number.MAX_SAFE_INTEGER }
    return await coordinator.topics.fetcher.fetch(reads, limit, { waitMs, signal, until })
  })
}
