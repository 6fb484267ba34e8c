/**
 * What every long-lived part takes from outside: made once in `app`, faked once in the tests.
 * Wall time is for stamps, monotonic time for deadlines: two methods, so that the choice is made each time.
 */

export interface Timer {
  /** Stops the timer; after it fired or was cancelled this does nothing. */
  cancel(): void
}

export interface Clock {
  /** Wall-clock time in milliseconds since 1970; may step both ways. */
  nowMs(): number
  /** Milliseconds that never go back; only differences mean something. */
  monotonicMs(): number
  /** Calls `fire` once, no sooner than `delayMs` (0 to 2^31-1) milliseconds from now. Never keeps the process alive. */
  setTimer(delayMs: number, fire: () => void): Timer
}

export type LogFields = Readonly<Record<string, unknown>>

/** Structured log: fields first, then a sentence without values in it. */
export interface Logger {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
}

export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }

export interface Platform {
  readonly clock: Clock
  /** A number in [0, 1). Seeded in tests. */
  readonly random: () => number
  readonly logger: Logger
}
