/**
 * A run: neighbouring records of one partition and one lane that are in the same state for one group. What is not settled is
 * kept as runs and nothing else, so that a batch costs as much as a single record, and a settled record nothing.
 *
 *   leased   held until `dueMs`
 *   waiting  handed out again from `dueMs` on (0: at once)
 *   dying    on its way into the dead letters; `dueMs` is the place of its first record in the line
 */
import { NORMAL_PRIORITY } from '../../kernel/priority.ts'
import type { Window } from './window.ts'

export const RUN = { LEASED: 0, WAITING: 1, DYING: 2 } as const
export type RunState = (typeof RUN)[keyof typeof RUN]

/** How many records of a group one member holds now. */
export interface Holder {
  readonly id: string
  inFlight: number
}

/** One hand-out to one member; shared by all runs that came of it. */
export interface Lease {
  /** 32 bits, chosen at the hand-out: with the offset it names the lease. */
  readonly nonce: number
  readonly holder: Holder
  readonly atMs: number
}

/** nack: the worker said so; expired: nobody said anything in time; died: the member fell silent; rejected: never again. */
export const CAUSES = ['nack', 'expired', 'died', 'rejected'] as const
export type Cause = (typeof CAUSES)[number]

/** What went wrong so far; replaced as a whole, shared by runs that were one. */
export interface Trouble {
  readonly failures: number
  readonly firstMs: number
  readonly lastMs: number
  readonly cause: Cause
  /** What the worker said; empty where nobody said anything. */
  readonly error: string
  /** Its lease died with its member: each of its records is handed out alone from now on. */
  readonly isolated: boolean
}

export class Run {
  readonly window: Window
  from: number
  /** The first offset that is not in it. */
  to: number
  state: RunState
  /** The priority of all of its records. */
  lane: number = NORMAL_PRIORITY
  /** Hand-outs so far. */
  deliveries: number
  dueMs: number
  /** The last hand-out; undefined where it was taken back. */
  lease: Lease | undefined
  trouble: Trouble | undefined
  /** Where it lies in the heap of the deadlines, or the name of its timer; -1 where it is due or neither. */
  place = -1

  constructor(window: Window, from: number, to: number, state: RunState) {
    this.window = window
    this.from = from
    this.to = to
    this.state = state
    this.deliveries = 1
    this.dueMs = 0
    this.lease = undefined
    this.trouble = undefined
  }

  get size(): number {
    return this.to - this.from
  }

  get failures(): number {
    return this.trouble?.failures ?? 0
  }
}
