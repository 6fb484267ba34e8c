/** What a window is made of and told: of its group, of what it shares with others, of the records that are meant. */
import { NORMAL_PRIORITY } from '../../kernel/priority.ts'
import { LANES } from '../../scheduling/index.ts'
import type { Backoffs } from './backoffs.ts'
import type { DueHeap } from './dueHeap.ts'
import type { Frozen } from './frozen.ts'
import type { LaneCountsTable } from './laneCounts.ts'
import type { Holder, Lease } from './run.ts'
import type { RunTable } from './runTable.ts'

/** What windows share. */
export interface Heaps {
  readonly runs: RunTable
  /** Leased runs by their deadline. */
  readonly deadlines: DueHeap
  /** Waiting runs by the time from which they are handed out again. */
  readonly backoffs: Backoffs
  /** What is counted of each partition. */
  readonly laneCounts: LaneCountsTable
  /** While a snapshot is written: told of what changes, before it does. */
  readonly frozen: Frozen | undefined
}

export interface WindowIdentity {
  readonly id: number
  readonly topic: string
  readonly topicId: number
  readonly partition: number
  /** Names the window to the log of the dead letters. */
  readonly producerId: number
}

/** As much of a group as its windows look at. */
export interface GroupOfWindow {
  readonly name: string
  /** Members that hold something, by their id. */
  readonly holders: Map<string, Holder>
  /** Records that its members hold, by lane; those of `normal` are not counted here. */
  readonly leasedOthers: number[]
}

/** Records of one lane. */
export interface LaneRange {
  readonly lane: number
  readonly from: number
  /** The first offset that is not in it. */
  readonly to: number
}

export const NO_RUNS: LaneRange = { lane: NORMAL_PRIORITY, from: 0, to: 0 }

/** What a hand-out gives to records that were never handed out. */
export interface Fresh {
  readonly lease: Lease
  readonly lane: number
  readonly dueMs: number
}

export const noneLeased = (): number[] => new Array<number>(LANES).fill(0)
