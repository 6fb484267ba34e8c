/**
 * A run: neighbouring records of one partition and one lane that are in the same state for one group. What is not settled is
 * kept as runs and nothing else, so that a batch costs as much as a single record, and a settled record nothing.
 *
 *   leased   held until `dueMs`
 *   waiting  handed out again from `dueMs` on (0: at once)
 *   dying    on its way into the dead letters; `dueMs` is the place of its first record in the line
 *
 * Neighbours are neighbours in their lane: records of other lanes may lie between them. A run holds every record of its
 * lane from its first to its last.
 */
import type { Members } from './members.ts'

export const RUN = { LEASED: 0, WAITING: 1, DYING: 2 } as const
export type RunState = (typeof RUN)[keyof typeof RUN]

/** Names a run while there is one; see {@link RunTable}. */
export type RunId = number

/** How many records of a group one member holds now. */
export interface Holder {
  readonly id: string
  inFlight: number
}

/** One hand-out to one member, as all runs that came of it remember it. */
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

/** A run as it is now, for whoever wants all of it at once. */
export interface RunView {
  readonly from: number
  /** Behind its last record. */
  readonly to: number
  /** Records in it. */
  readonly size: number
  /** Undefined where they follow each other. */
  readonly members: Members | undefined
  readonly lane: number
  readonly state: RunState
  /** Hand-outs so far. */
  readonly deliveries: number
  readonly dueMs: number
  /** The last hand-out; undefined where it was taken back. */
  readonly lease: Lease | undefined
  readonly trouble: Trouble | undefined
  readonly failures: number
}
