import type { Clock } from '../kernel/platform.ts'

/** The machine's clock, its timers keeping the process alive: what a client still has to do is a reason to run. */
export const clientClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, fire) {
    const handle = setTimeout(fire, delayMs)
    return { cancel: () => clearTimeout(handle) }
  },
}
