/**
 * What the processes of goqueue exit with: sysexits(3) where it has a number. Scripts may rely on it.
 */
import type { ErrorCode } from './errors.ts'

export const EXIT = {
  /** Done; a follow that was interrupted counts as done. */
  OK: 0,
  /** The broker refused, or what was asked for is not there. */
  ERROR: 1,
  /** The command line is wrong. */
  USAGE: 2,
  /** A record or a file holds something that is not what it should be. */
  DATA: 65,
  /** A file that was named cannot be read. */
  NO_INPUT: 66,
  /** No broker answers, or it takes no work now: the same may succeed later. */
  UNAVAILABLE: 69,
  /** A bug: an invariant of the program broke. */
  INTERNAL: 70,
  /** The data directory cannot be made, written or locked. */
  CANNOT_CREATE: 73,
  /** The broker wants an API key, or another one. */
  NO_PERMISSION: 77,
  /** The configuration is wrong. */
  CONFIG: 78,
  /** Ended by Ctrl-C before it was done. */
  INTERRUPTED: 130,
} as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Errors that exit with something else than {@link EXIT}.ERROR. */
const EXIT_OF: Partial<Record<ErrorCode, ExitCode>> = {
  CORRUPT_RECORD: EXIT.DATA,
  LOG_CORRUPT: EXIT.DATA,
  FORMAT_TOO_NEW: EXIT.DATA,
  CONNECTION_FAILED: EXIT.UNAVAILABLE,
  REQUEST_TIMED_OUT: EXIT.UNAVAILABLE,
  OUTCOME_UNKNOWN: EXIT.UNAVAILABLE,
  BROKER_OVERLOADED: EXIT.UNAVAILABLE,
  TOO_MANY_WAITERS: EXIT.UNAVAILABLE,
  LIMIT_REACHED: EXIT.UNAVAILABLE,
  GROUP_FULL: EXIT.UNAVAILABLE,
  SHUTTING_DOWN: EXIT.UNAVAILABLE,
  RECOVERING: EXIT.UNAVAILABLE,
  PARTITION_UNAVAILABLE: EXIT.UNAVAILABLE,
  STORAGE_ERROR: EXIT.UNAVAILABLE,
  DISK_FULL: EXIT.UNAVAILABLE,
  TOO_MANY_FILES: EXIT.UNAVAILABLE,
  LOG_FENCED: EXIT.UNAVAILABLE,
  LOG_CLOSED: EXIT.UNAVAILABLE,
  DATA_DIR_LOCKED: EXIT.CANNOT_CREATE,
  UNAUTHORIZED: EXIT.NO_PERMISSION,
  CANCELLED: EXIT.INTERRUPTED,
}

/** What a process exits with that could not help itself about this error. */
export const exitCodeOf = (code: ErrorCode): ExitCode => EXIT_OF[code] ?? EXIT.ERROR
