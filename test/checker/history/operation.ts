/**
 * What a history consists of: one entry for each call of each client, with when it began, when it ended, and what the
 * client was told.
 *
 *   ok        the broker said so: it happened, somewhere between start and end
 *   refused   the broker said no, or was never reached: it did not happen
 *   unknown   no answer: it happened after the start, or not; perhaps it has yet to happen
 *
 * Times in milliseconds: `start` and `end` are monotonic, of the one process in which all clients run, so that any two
 * can be compared; the wall times say what the machine's clock showed then.
 */

export type Outcome = 'ok' | 'refused' | 'unknown'
export type Acks = 'none' | 'leader' | 'all'

export interface Span {
  readonly start: number
  readonly end: number
  readonly startWall: number
  readonly endWall: number
}

interface Call extends Span {
  readonly client: string
  readonly outcome: Outcome
  /** The broker's code where it refused. */
  readonly code?: string | undefined
}

export interface Place {
  readonly partition: number
  /** -1: not said, as for `acks: none`. */
  readonly offset: number
}

/** A record as it was read. `id` names the message; what does not carry its own value unharmed has none that exists. */
export interface Found {
  readonly offset: number
  readonly id: string
  readonly timestamp: number
  readonly priority: string
  /** Of a dead letter: whose it is. */
  readonly group?: string
}

export interface Publish extends Call {
  readonly op: 'publish'
  readonly topic: string
  readonly acks: Acks
  readonly ids: readonly string[]
  readonly priority: string
  /** All of it goes to one partition: it is one atomic batch. */
  readonly isOneBatch: boolean
  /** Calls of one stream are stored in the order in which they began. */
  readonly stream?: string | undefined
  readonly places?: readonly Place[] | undefined
}

export interface Read extends Call {
  readonly op: 'read'
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly found: readonly Found[]
  readonly next: number
  readonly highWatermark: number
}

/** Codes with which a partition says that it cannot be read any more. */
export const UNREADABLE: ReadonlySet<string | undefined> = new Set([
  'LOG_CORRUPT',
  'PARTITION_UNAVAILABLE',
])

/** Everything that a partition held when all was over. */
export interface FinalLog extends Call {
  readonly op: 'final'
  readonly topic: string
  readonly partition: number
  readonly found: readonly Found[]
}

export interface Join extends Call {
  readonly op: 'join'
  readonly group: string
  readonly member: string
  readonly generation: number
  readonly assigned: readonly string[]
}

/** The member leaves; from `start` on it holds nothing for sure. */
export interface Leave extends Call {
  readonly op: 'leave'
  readonly group: string
  readonly member: string
}

export interface HandOut extends Place {
  readonly topic: string
  readonly id: string
  readonly priority: string
  readonly receipt: string
  readonly deliveryCount: number
}

export interface Poll extends Call {
  readonly op: 'poll'
  readonly group: string
  readonly member: string
  /** Counted from `start`: no lease of it ends earlier. 0 where nothing is leased. */
  readonly visibilityMs: number
  readonly handOuts: readonly HandOut[]
}

export interface Commit extends Call {
  readonly op: 'commit'
  readonly group: string
  readonly topic: string
  readonly member: string
  readonly generation: number
  readonly offsets: Readonly<Record<string, number>>
}

export interface Floors extends Call {
  readonly op: 'floors'
  readonly group: string
  readonly topic: string
  readonly offsets: Readonly<Record<string, number>>
}

export interface Settle extends Call {
  readonly op: 'settle'
  readonly kind: 'ack' | 'nack' | 'reject' | 'extend'
  readonly group: string
  readonly handOut: HandOut
  /** nack: it comes back no earlier than so long after `start`. extend: the lease lasts so long from `start` on. */
  readonly ms?: number | undefined
}

/** What was left of a topic for a group when nothing more came. */
export interface Rest extends Call {
  readonly op: 'rest'
  readonly group: string
  readonly topic: string
  readonly lag: number
}

export interface Schedule extends Call {
  readonly op: 'schedule'
  readonly topic: string
  readonly id: string
  /** By the broker's clock; of a relative delay what the broker made of it. */
  readonly due: number
}

export interface Change extends Call {
  readonly op: 'cancel' | 'reschedule'
  readonly topic: string
  readonly id: string
  /** Of a reschedule. */
  readonly due?: number | undefined
}

/** What was done to the broker. */
export interface Harm extends Call {
  readonly op: 'fault'
  readonly fault: string
}

export type Operation =
  | Publish
  | Read
  | FinalLog
  | Join
  | Leave
  | Poll
  | Commit
  | Floors
  | Settle
  | Rest
  | Schedule
  | Change
  | Harm

export type OperationName = Operation['op']
export type Named<N extends OperationName> = Extract<Operation, { readonly op: N }>

/** The operations of some names, in their order. */
export function named<N extends OperationName>(
  history: readonly Operation[],
  ...names: readonly N[]
): Named<N>[] {
  const wanted: ReadonlySet<string> = new Set(names)
  return history.filter((each): each is Named<N> => wanted.has(each.op))
}

/** What members of the group did and were told. */
export const ofGroup = (history: readonly Operation[], group: string): Operation[] =>
  history.filter((each) => 'group' in each && each.group === group)
