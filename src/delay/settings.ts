import { MINUTE_MS, MiB } from '../kernel/units.ts'

export interface DelaySettings {
  /** Messages that may wait, over all topics; one more is refused with LIMIT_REACHED. Default 10,000,000. */
  readonly pendingMax: number
  /** How far ahead entries have a timer, in milliseconds, at most seven days. Default ten minutes. */
  readonly horizonMs: number
  /** Size in bytes at which a delay log's segment is sealed. Default 64 MiB. */
  readonly segmentBytes: number
  /** Entries changed since the index was last written at which it is written again. Default 200,000. */
  readonly checkpointChanges: number
}

export const DEFAULT_DELAY_SETTINGS: DelaySettings = {
  pendingMax: 10_000_000,
  horizonMs: 10 * MINUTE_MS,
  segmentBytes: 64 * MiB,
  checkpointChanges: 200_000,
}

/** Times beyond the last that a Date can hold are none. */
export const DUE_MS_MAX = 8.64e15
