/**
 * A power cut may take the end of a topic's log (what was published with less than `all`) and leave the deliveries that
 * speak of it. What is appended then has the same offsets: whatever is known of them is forgotten before anything is,
 * else new records would count as handed out.
 */
import type { Platform } from '../kernel/platform.ts'
import type { Ledger } from './ledger.ts'
import type { Window } from './machine/window.ts'

/** True where more was handed out than the log holds, up to `next`: it is forgotten now, and a warning logged. */
export function forgetLostEnd(
  ledger: Ledger,
  { logger }: Pick<Platform, 'logger'>,
  window: Window,
  next: number,
): boolean {
  const { id, topic, partition, end: handedOut, group } = window
  if (handedOut <= next) return false
  const fields = { group: group.name, topic, partition, handedOut, next }
  logger.warn(fields, 'more was handed out than the log holds: it has lost its end')
  ledger.execute({ kind: 'shorten', window: id, end: next })
  return true
}
