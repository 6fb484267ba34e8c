/**
 * One entry of the index: what became of the record at that offset of the delay log.
 *
 *   none        no message: a record of the log's own, or not written yet
 *   pending     waits for its time         time comes -> due, cancel or reschedule -> changing
 *   due         waits to be appended       its turn -> firing, cancel or reschedule -> changing
 *   firing      is being appended          done -> delivered, failed -> due, unreadable -> expired
 *   changing    a change is on its way     durable -> cancelled or pending, refused -> pending
 *   delivered, cancelled, expired          final
 *
 * Due, firing and changing live in memory alone: on disk such an entry is pending.
 */
export const STATE = {
  NONE: 0,
  PENDING: 1,
  DELIVERED: 2,
  CANCELLED: 3,
  EXPIRED: 4,
  DUE: 5,
  FIRING: 6,
  CHANGING: 7,
} as const
/** Where an entry ends. */
export type FinalState = typeof STATE.DELIVERED | typeof STATE.CANCELLED | typeof STATE.EXPIRED

const WORDS = ['none', 'pending', 'delivered', 'cancelled', 'expired'] as const
export type DelayedState = 'pending' | 'delivered' | 'cancelled' | 'expired'

/** True while the message has neither been delivered nor given up. */
export const isOpen = (state: number): boolean => state === STATE.PENDING || state >= STATE.DUE

/** What lies on disk of it. */
export const storedState = (state: number): number => (state >= STATE.DUE ? STATE.PENDING : state)

/** What the outside calls it; undefined for what is no message. */
export function stateWord(state: number): DelayedState | undefined {
  const word = WORDS[storedState(state)] ?? 'none'
  return word === 'none' ? undefined : word
}
