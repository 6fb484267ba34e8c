/**
 * What is asked of the delivery machine and what its journal remembers.
 *
 * Ranges lie in flat lists, from and to by turns: a batch of records is a pair of numbers. Everything that chance or
 * time decides (nonces, deadlines, backoffs) is in the events.
 */
import type { LaneView } from './lease.ts'
import type { DeliveryPolicy } from './policy.ts'
import type { Cause } from './run.ts'

/** From and to (the first that is not in it) by turns. */
export type Ranges = readonly number[]

/** Lane, from and to by turns: of that lane what lies between them, whatever of others does. */
export type LaneRanges = readonly number[]

/** Stands for the lane where it is not known. */
export const ANY_LANE = -1

/** Records named by a receipt, or by several of one hand-out. */
export interface Receipts {
  readonly window: number
  readonly nonce: number
  readonly from: number
  readonly to: number
  /** The hand-out that the receipts speak of. */
  readonly deliveries: number
  /** They speak of records of this lane alone; {@link ANY_LANE} or undefined: of each record in the range. */
  readonly lane?: number | undefined
  /** The lane of a record where it is known: tells what was settled from what was never handed out. */
  readonly laneAt?: ((offset: number) => number | undefined) | undefined
}

export type DeliveryCommand =
  | {
      readonly kind: 'open'
      readonly group: string
      readonly epochMs: number
      readonly topic: string
      readonly topicId: number
      readonly partition: number
      readonly cursor: number
    }
  | { readonly kind: 'drop'; readonly windows: readonly number[] }
  | { readonly kind: 'dropGroup'; readonly group: string }
  | {
      readonly kind: 'lease'
      readonly window: number
      readonly member: string
      readonly nonce: number
      /** Records of this lane alone. */
      readonly lane: number
      readonly max: number
      /** The end of the log: how far there is something never handed out. */
      readonly end: number
      /** Undefined: as the policy says. */
      readonly visibilityMs: number | undefined
      /** True where the member gets nothing else with it. */
      readonly isFirst: boolean
      /** Undefined where everything from the least cursor on is normal, and so is `lane`. */
      readonly view: LaneView | undefined
    }
  | ({
      readonly kind: 'ack'
      /** Further ranges of the same hand-out, each with its lane or {@link ANY_LANE}. */
      readonly also?: LaneRanges
    } & Receipts)
  | ({
      readonly kind: 'nack'
      /** Undefined: as the policy says. */
      readonly delayMs: number | undefined
      readonly error: string
    } & Receipts)
  | ({ readonly kind: 'reject'; readonly error: string } & Receipts)
  | ({ readonly kind: 'extend'; readonly timeoutMs: number } & Receipts)
  /** The hand-out did not take place. */
  | ({ readonly kind: 'takeBack' } & Receipts)
  /** Settled by the broker itself: nothing that a worker is to see. */
  | ({ readonly kind: 'pass' } & Receipts)
  | { readonly kind: 'commit'; readonly window: number; readonly to: number }
  | { readonly kind: 'commitHeld'; readonly group: string; readonly member: string }
  | {
      readonly kind: 'part'
      readonly group: string
      readonly member: string
      readonly reason: 'left' | 'died'
    }
  | { readonly kind: 'expire'; readonly max: number }
  /** The log begins here now. */
  | {
      readonly kind: 'retain'
      readonly window: number
      readonly start: number
      /** How many records below it were never handed out; undefined: all from the cursor on. */
      readonly unread: number | undefined
    }
  /** The log ends here now: a power cut took what was behind. */
  | { readonly kind: 'shorten'; readonly window: number; readonly end: number }
  | {
      readonly kind: 'bury'
      readonly window: number
      readonly lane: number
      readonly from: number
      readonly to: number
    }
  | {
      readonly kind: 'policy'
      readonly scope: 'group' | 'topic'
      readonly name: string
      readonly epochMs: number
      readonly policy: Partial<DeliveryPolicy>
    }

export const SETTLED_BY = ['ack', 'commit', 'passed', 'discarded'] as const
export type SettledBy = (typeof SETTLED_BY)[number]

export type WindowEvent =
  | {
      readonly type: 'leased'
      readonly window: number
      readonly nonce: number
      readonly member: string
      readonly atMs: number
      readonly deadlineMs: number
      readonly lane: number
      /**
       * Of its lane. What is not below the lane's cursor was never handed out before: each range is records of the lane
       * alone. What is below it are runs, from the first record to the last.
       */
      readonly ranges: Ranges
      /** Where the five stand then; undefined: behind the last range that was never handed out before. */
      readonly cursors: readonly number[] | undefined
    }
  | {
      readonly type: 'settled'
      readonly window: number
      readonly by: SettledBy
      readonly ranges: LaneRanges
    }
  | {
      readonly type: 'failed'
      readonly window: number
      readonly cause: Cause
      readonly error: string
      readonly atMs: number
      /** Lane, from, to and the time from which it is handed out again, by turns. */
      readonly waits: readonly number[]
    }
  | {
      readonly type: 'released'
      readonly window: number
      /** The hand-out is not counted: it never took place. */
      readonly takenBack: boolean
      readonly ranges: LaneRanges
    }
  | {
      readonly type: 'extended'
      readonly window: number
      readonly deadlineMs: number
      readonly ranges: LaneRanges
    }
  | {
      readonly type: 'dying'
      readonly window: number
      readonly cause: Cause
      readonly error: string
      readonly atMs: number
      readonly ranges: LaneRanges
    }
  | { readonly type: 'buried'; readonly window: number; readonly ranges: LaneRanges }
  | {
      readonly type: 'retained'
      readonly window: number
      readonly start: number
      readonly unread: number | undefined
    }
  /** From `end` on nothing was handed out after all. */
  | { readonly type: 'shortened'; readonly window: number; readonly end: number }
  | { readonly type: 'dropped'; readonly window: number }

export type DeliveryEvent =
  | WindowEvent
  | {
      readonly type: 'opened'
      readonly window: number
      readonly group: string
      readonly epochMs: number
      readonly topic: string
      readonly topicId: number
      readonly partition: number
      readonly producerId: number
      readonly cursor: number
    }
  | { readonly type: 'groupDropped'; readonly group: string }
  | {
      readonly type: 'policy'
      readonly scope: 'group' | 'topic'
      readonly name: string
      readonly epochMs: number
      readonly policy: Partial<DeliveryPolicy>
    }

/**
 * done       acked, rejected, extended or taken back, now or before
 * requeued   handed out again from `dueMs` on
 * dead       that was the last try: it goes to the dead letters
 * lost       handed out again since, or dead by now
 * unknown    never handed out
 */
export type Outcome = 'done' | 'requeued' | 'dead' | 'lost' | 'unknown'

/** What became of a part of what was asked for. */
export interface Piece {
  readonly from: number
  readonly to: number
  /** Records in it: fewer than lie between where others, which it does not speak of, lie between them. */
  readonly size: number
  /** The records of a hand-out between which others lie. */
  readonly ranges?: Ranges | undefined
  readonly outcome: Outcome
  /** Hand-outs so far. */
  readonly deliveries: number
  /** Of a lease its deadline, of what waits the time from which it is handed out again. */
  readonly dueMs: number
}

export interface DeliveryReply {
  readonly window: number
  readonly pieces: readonly Piece[]
  /** Of a lease: it is one record that is handed out alone. */
  readonly isAlone?: boolean
  /** Of a lease: how many records had never been handed out. */
  readonly fresh?: number
}

export function eachRange(ranges: Ranges, work: (from: number, to: number) => void): void {
  for (let i = 0; i + 1 < ranges.length; i += 2) work(ranges[i] as number, ranges[i + 1] as number)
}

/** How many records ranges hold, where no others lie in them. */
export function sizeOf(ranges: Ranges): number {
  let size = 0
  for (let i = 0; i + 1 < ranges.length; i += 2) {
    size += (ranges[i + 1] as number) - (ranges[i] as number)
  }
  return size
}
