/** What the room says of delayed messages; the broker's operations are made of these. */
import type { Priority } from '../kernel/priority.ts'
import type { Lateness, LatenessView } from './lateness.ts'
import type { DelayedState } from './states.ts'

/** Where a delayed message waits: its handle. */
export interface DelayedPlace {
  readonly partition: number
  /** In the delay log of that partition. */
  readonly offset: number
}

export interface DelayedMessage extends DelayedPlace {
  readonly topic: string
  readonly dueMs: number
  /** When it was taken. */
  readonly publishedMs: number
  readonly state: DelayedState
  readonly priority: Priority
  /** Undefined where it has none, or where its record is gone. */
  readonly key: Buffer | undefined
}

/** Where a list goes on: behind this message in the order of (due, partition, offset). */
export interface ListPlace extends DelayedPlace {
  readonly dueMs: number
}

export interface ListQuery {
  /** 1 to 1,000. */
  readonly limit: number
  readonly after?: ListPlace | undefined
  /** Due at this time or later. */
  readonly fromMs?: number | undefined
  /** Due before this time. */
  readonly toMs?: number | undefined
}

export interface DelayedList {
  readonly messages: readonly DelayedMessage[]
  /** Undefined: there is no more. */
  readonly next: ListPlace | undefined
}

/** Counts are since the data directory was made. */
export interface TopicDelayStats {
  readonly pending: number
  readonly delivered: number
  readonly cancelled: number
  readonly expired: number
}

export interface DelayStats extends TopicDelayStats {
  /** Mean of what was asked for, of all that waited since the start; 0 where none did. */
  readonly delayMsMean: number
  /** Since the start. */
  readonly lateness: LatenessView
  /** By name: topics that have a delay log. */
  readonly topics: ReadonlyMap<string, TopicDelayStats>
  /** Timers by level of the wheel, and entries that wait for theirs. */
  readonly timerLevels: readonly number[]
  readonly untimed: number
}

/** For metrics. */
export interface DelayFigures extends TopicDelayStats {
  readonly lateness: Pick<Lateness, 'bounds' | 'counts' | 'sum'>
}
