/**
 * A member that comes to read, and may wait: in which generation it reads, that it is not silent meanwhile, and how
 * it is told that the generation has ended.
 */
import type { AbortNotice } from '../kernel/caller.ts'
import { BrokerError } from '../kernel/errors.ts'
import type { Coordinator, Visitor } from './coordinator.ts'
import { checkGeneration, memberOf } from './decide.ts'

export interface Visit extends Visitor {
  /** The generation the member reads in; it is behind where this is not the group's. */
  readonly generation: number
}

/** What a read comes to: something, or the news that the member has to join again. */
export type Read<T> =
  | { readonly rebalance: false; readonly value: T }
  | { readonly rebalance: true }

/**
 * Without a generation a member reads in the one it knows, and once it was told of a newer one, in that.
 * Throws GROUP_NOT_FOUND, UNKNOWN_MEMBER, and STALE_GENERATION where the generation is not one of this group so far.
 */
export function visitOf(
  coordinator: Coordinator,
  groupId: string,
  memberId: string,
  generation: number | undefined,
): Visit {
  const visitor = coordinator.visitor(groupId, memberId)
  const { group, live, session } = visitor
  const current = group.generation
  if (generation !== undefined && generation > current) checkGeneration(group, generation)
  const knowsCurrent = session.adopted === 0 || session.told === current
  const known = generation ?? (knowsCurrent ? current : session.adopted)
  if (known === current) live.sessions.adopt(session, current)
  return { generation: known, ...visitor }
}

/**
 * Runs `work`, during which the member is not silent, and hands over what it found only if the generation has not
 * ended by then. `until` ends a wait inside it as soon as the member may be told of a rebalance.
 * Rejects as `work` does, with UNKNOWN_MEMBER or GROUP_NOT_FOUND where it is no member any more.
 */
export async function attend<T>(
  coordinator: Coordinator,
  visit: Visit,
  signal: AbortNotice | undefined,
  work: (until: (end: () => void) => () => void) => Promise<T>,
): Promise<Read<T>> {
  const { group, live, member, session } = visit
  session.waits += 1
  try {
    if (group.generation === visit.generation) {
      const value = await work((end) => whenBehind(visit, end))
      if (group.generation === visit.generation) return { rebalance: false, value }
    }
    await noticed(visit, signal)
    memberOf(coordinator.group(group.id), member.memberId)
    live.sessions.tell(session, group.generation)
    return { rebalance: true }
  } finally {
    session.waits -= 1
    const present = live.sessions.get(member.memberId) === session
    if (present && !signal?.aborted) live.sessions.touch(member.memberId, member.sessionTimeoutMs)
  }
}

/** A notice may also be of a change that the member has seen already. */
function whenBehind({ group, live, generation }: Visit, end: () => void): () => void {
  let stop = (): void => undefined
  const listen = (): void => {
    stop = live.notice.subscribe(() => (group.generation === generation ? listen() : end()))
  }
  listen()
  return () => stop()
}

/** At once, unless more changes are likely to follow. */
function noticed({ live }: Visit, signal: AbortNotice | undefined): Promise<void> {
  if (!live.notice.isPending) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      unsubscribe()
      reject(new BrokerError('CANCELLED', 'the caller went away'))
    }
    const unsubscribe = live.notice.subscribe(() => {
      signal?.removeEventListener('abort', aborted)
      resolve()
    })
    signal?.addEventListener('abort', aborted, { once: true })
  })
}
