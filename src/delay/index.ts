/** Delayed messages: kept until their time, then delivered into their topic. */
export { Delay, type DelayOptions } from './delay.ts'
export type { LatenessView } from './lateness.ts'
export { DEFAULT_DELAY_SETTINGS, type DelaySettings, DUE_MS_MAX } from './settings.ts'
export type { DelayedState } from './states.ts'
export type {
  DelayedList,
  DelayedMessage,
  DelayedPlace,
  DelayFigures,
  DelayStats,
  ListPlace,
  ListQuery,
  TopicDelayStats,
} from './types.ts'
