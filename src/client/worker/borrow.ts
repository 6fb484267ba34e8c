/** Messages on loan to somebody who is no worker: they are settled by their receipts, from wherever. */
import type { JoinReply } from '../../api/index.ts'
import type { Asker } from '../connection.ts'
import { Deliveries } from './deliveries.ts'
import { Lot } from './lot.ts'
import type { WorkMessage } from './message.ts'

export interface BorrowOptions {
  readonly group: string
  readonly topics: readonly string[]
  /** At most so many. 1 to 10,000. */
  readonly count: number
  /** How long they are held, in milliseconds. 1,000 to 1,800,000. */
  readonly holdMs: number
  /** How long to wait where there is nothing, in milliseconds. 0 to 60,000. */
  readonly waitMs: number
  readonly signal: AbortSignal
}

const MAX_BYTES = 4 * 1024 * 1024
const TIMEOUT_MS = 30_000

/**
 * Joins the group, takes what there is, up to `count`, and stays a member until `holdMs` after the last word about one
 * of these messages: so long nobody else is handed them. With assignment `range` nobody is handed others of these
 * partitions either. Resolves with no message where none came.
 */
export async function borrow(asker: Asker, options: BorrowOptions): Promise<WorkMessage[]> {
  const { group, topics, count, holdMs, waitMs, signal } = options
  const deliveries = new Deliveries(asker, group, TIMEOUT_MS)
  const body = { client_id: 'goqueue-hold', topics, session_timeout: holdMs, mode: 'ack' }
  let { member_id: memberId, generation } = (await deliveries.post('join', body)) as JoinReply
  const messages: WorkMessage[] = []
  for (;;) {
    const { parts, rebalance } = await deliveries.lease({
      memberId,
      generation,
      maxMessages: count - messages.length,
      maxBytes: MAX_BYTES,
      waitMs: messages.length === 0 ? waitMs : 0,
      leaseMs: holdMs,
      signal,
    })
    for (const part of parts) {
      const lot = new Lot(part, 0, [], 0)
      while (lot.waiting > 0) messages.push(lot.take(group))
    }
    if (rebalance) {
      const again = (await deliveries.post('join', { ...body, member_id: memberId })) as JoinReply
      memberId = again.member_id
      generation = again.generation
    } else if (parts.length === 0 || messages.length >= count) break
  }
  if (messages.length === 0) await deliveries.post('leave', { member_id: memberId })
  return messages
}
