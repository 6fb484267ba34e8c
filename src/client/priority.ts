/** Figures of priority lanes, as the broker tells them. */
import type { PriorityName } from '../kernel/priority.ts'

type ByPriority<T> = Readonly<Record<PriorityName, T>>

/** Of one lane of one partition, over all groups. */
export interface LaneFigures {
  /** Records that may be handed out now. */
  readonly ready: number
  readonly in_flight: number
  /** Records a second. */
  readonly enqueue_rate: number
  readonly dequeue_rate: number
  /** RFC 3339; null where nothing was handed out yet. */
  readonly last_served_at: string | null
}

export interface PriorityStats {
  readonly messages_by_priority: ByPriority<number>
  /** From the append to the first hand-out: `12ms`. */
  readonly avg_wait_time_by_priority: ByPriority<string>
  /** 0 to 1. */
  readonly served_share_by_priority: ByPriority<number>
  readonly weights: ByPriority<number>
  /** By topic and partition. */
  readonly topics: Readonly<Record<string, Readonly<Record<string, ByPriority<LaneFigures>>>>>
}
