/**
 * Reading without keeping positions: the broker remembers where each member's polls go on.
 *
 * A record is handed out once to a member while it holds the partition and does not join again; what was handed
 * out but not committed comes again after that. Two polls of one member may wait at once: positions move in one
 * synchronous step, and who comes second looks again.
 */
import type { AbortNotice } from '../kernel/caller.ts'
import { BrokerError } from '../kernel/errors.ts'
import type { CommitAcks } from '../state/index.ts'
import type { Fetched, FetchWait } from '../topics/index.ts'
import type { Coordinator } from './coordinator.ts'
import type { Cursor } from './cursors.ts'
import type { Floor } from './events.ts'
import { attend, type Read, type Visit, visitOf } from './visit.ts'

export interface PollRequest {
  readonly group: string
  readonly memberId: string
  readonly generation?: number | undefined
  readonly maxMessages: number
  readonly maxBytes: number
  /** How long to wait where there is nothing. */
  readonly waitMs: number
  /** Commits first what earlier polls of the member have handed out. */
  readonly autoCommit: boolean
  /** What that commit waits for; default `leader`. */
  readonly acks?: CommitAcks | undefined
}

export interface PolledPart {
  readonly topic: string
  readonly partition: number
  /** Whole records as stored, the first at `offset`. */
  readonly bytes: Buffer
  readonly count: number
  readonly offset: number
  readonly nextOffset: number
}

export interface Polled {
  readonly parts: readonly PolledPart[]
  /**
   * Hands out again what the client did not get: all, or of each part from the offset in `from` on. Does nothing for
   * a partition of which more was handed out since.
   */
  readonly putBack: (from?: readonly number[]) => void
}

/**
 * Resolves with records of the member's partitions, with none when the time is up; with the news of a rebalance as
 * soon as the member's generation has ended. Counts as a heartbeat. Rejects with GROUP_NOT_FOUND, UNKNOWN_MEMBER,
 * STALE_GENERATION, INVALID_CONFIG, CANCELLED, and where only partitions that do not serve are left, with why.
 */
export async function poll(
  coordinator: Coordinator,
  request: PollRequest,
  signal: AbortNotice | undefined,
): Promise<Read<Polled>> {
  const visit = visitOf(coordinator, request.group, request.memberId, request.generation)
  if (request.autoCommit) await commitHandedOut(coordinator, visit, request.acks)
  return await attend(coordinator, visit, signal, async (until) => {
    return await handOut(coordinator, visit, request, { signal, until })
  })
}

async function commitHandedOut(
  coordinator: Coordinator,
  { group, live, member }: Visit,
  acks: CommitAcks | undefined,
): Promise<void> {
  if (group.assignment === 'shared') {
    throw new BrokerError(
      'INVALID_CONFIG',
      'auto_commit needs assignment "range": others may still work on what was handed out',
    )
  }
  const { memberId } = member
  const floors: Floor[] = []
  for (const { topic, partition, position } of live.cursors.of(memberId)) {
    if (position > (group.floor(topic, partition) ?? 0)) {
      floors.push({ topic, partition, offset: position })
    }
  }
  if (floors.length === 0) return
  coordinator.execute({ kind: 'commit', group: group.id, memberId, generation: undefined, floors })
  coordinator.meters.commits += 1
  await coordinator.committed(acks)
}

type Ending = Pick<FetchWait, 'signal' | 'until'>

async function handOut(
  coordinator: Coordinator,
  visit: Visit,
  request: PollRequest,
  ending: Ending,
): Promise<Polled> {
  const { clock } = coordinator.platform
  const endMs = clock.monotonicMs() + request.waitMs
  const limit = { maxRecords: request.maxMessages, maxBytes: request.maxBytes }
  const failed = new Set<Cursor>()
  for (;;) {
    const cursors = cursorsOf(coordinator, visit).filter((cursor) => !failed.has(cursor))
    const reads = cursors.map(({ topic, partition, position: offset }) => ({
      topic,
      partition,
      offset,
    }))
    const waitMs = Math.max(0, endMs - clock.monotonicMs())
    const wait = lookingAgain(visit, ending, waitMs)
    const fetched = await coordinator.topics.fetcher.fetch(reads, limit, wait)
    if (wait.again && visit.group.generation === visit.generation) continue
    // The generation may have ended meanwhile: whoever holds the partition now begins at its floor.
    const isOver = fetched.length === 0 || visit.group.generation !== visit.generation
    const parts = isOver ? [] : take(visit, cursors, reads, fetched)
    if (parts.length > 0 || isOver) {
      return { parts, putBack: (from) => putBack(visit, parts, from) }
    }
    for (const cursor of unserved(coordinator, visit, cursors, fetched)) failed.add(cursor)
  }
}

/** The wait, ended with `again` where records were put back that it does not look at. */
function lookingAgain(
  { live }: Visit,
  { signal, until }: Ending,
  waitMs: number,
): FetchWait & { again: boolean } {
  const looking = {
    waitMs,
    signal,
    again: false,
    until: (end: () => void) => {
      const stop = until?.(end)
      const stopListening = live.cursors.onPutBack(() => {
        looking.again = true
        end()
      })
      return () => {
        stop?.()
        stopListening()
      }
    },
  }
  return looking
}

/**
 * Those whose partition does not serve: they are left out of this poll. An offset that can no longer be read is moved.
 * Throws where no other partition is left.
 */
function unserved(
  coordinator: Coordinator,
  visit: Visit,
  cursors: readonly Cursor[],
  fetched: readonly Fetched[],
): Cursor[] {
  const failed: Cursor[] = []
  for (const { index, error } of fetched) {
    const cursor = cursors[index]
    if (cursor === undefined || error === undefined) continue
    if (error.code === 'OFFSET_OUT_OF_RANGE') {
      cursor.position = startingPosition(coordinator, visit, cursor)
      continue
    }
    failed.push(cursor)
    if (failed.length === cursors.length) throw error
  }
  return failed
}

/** One for each partition of the member. */
function cursorsOf(coordinator: Coordinator, visit: Visit): Cursor[] {
  const { group, live, member } = visit
  const cursors: Cursor[] = []
  for (const [topic, partitions] of group.assignedTo(member.memberId)) {
    for (const partition of partitions) {
      let cursor = live.cursors.get(group, member.memberId, topic, partition)
      if (cursor === undefined) {
        cursor = { topic, partition, position: 0 }
        cursor.position = startingPosition(coordinator, visit, cursor)
        live.cursors.put(group, member.memberId, cursor)
      }
      cursors.push(cursor)
    }
  }
  return cursors
}

/** The floor; where there is none, or it cannot be read any more, what the member asked for. */
function startingPosition(
  coordinator: Coordinator,
  { group, member }: Visit,
  { topic, partition }: Cursor,
): number {
  const floor = group.floor(topic, partition)
  const source = coordinator.topics.find(topic)?.partitions[partition]
  // The read itself will say why it does not serve.
  if (!source?.isOpen) return floor ?? 0
  const { start, next } = source.offsets()
  if (floor !== undefined && floor >= start && floor <= next) return floor
  if (floor !== undefined && floor < start) {
    coordinator.meters.retentionSkipped += start - floor
    const fields = { group: group.id, topic, partition, floor, earliest: start }
    coordinator.platform.logger.warn(fields, 'retention took records that the group had not read')
  }
  return member.offsetReset === 'latest' ? next : start
}

/** Moves the positions past what was fetched; what another poll was quicker with is left out. */
function take(
  { group, live, member }: Visit,
  cursors: readonly Cursor[],
  reads: readonly { readonly offset: number }[],
  fetched: readonly Fetched[],
): PolledPart[] {
  const parts: PolledPart[] = []
  for (const { index, result } of fetched) {
    const cursor = cursors[index]
    const offset = reads[index]?.offset
    if (result === undefined || cursor === undefined || offset === undefined) continue
    const { topic, partition } = cursor
    const isLive = live.cursors.get(group, member.memberId, topic, partition) === cursor
    if (!isLive || cursor.position !== offset) continue
    const { bytes, count, nextOffset } = result
    cursor.position = nextOffset
    parts.push({ topic, partition, bytes, count, offset, nextOffset })
  }
  return parts
}

function putBack(
  { group, live, member }: Visit,
  parts: readonly PolledPart[],
  from: readonly number[] = parts.map(({ offset }) => offset),
): void {
  for (const [i, { topic, partition, nextOffset }] of parts.entries()) {
    const place = { topic, partition, from: nextOffset, to: from[i] ?? nextOffset }
    live.cursors.putBack(group, member.memberId, place)
  }
}
