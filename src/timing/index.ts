/** Timers by the million: a hierarchical wheel, and what drives it by a clock. */
export type { TimerId } from './timerLists.ts'
export { TimerWheel } from './wheel.ts'
export { WheelDriver, type WheelDriverOptions } from './wheelDriver.ts'
export { WHEEL_SPAN_MS, WHEEL_TICK_MS } from './wheelSlots.ts'
