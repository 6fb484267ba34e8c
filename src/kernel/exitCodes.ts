/**
 * What the processes of goqueue exit with: sysexits(3) where it has a number. Scripts may rely on it.
 */
import type { ErrorCode } from './errors.ts'

export const EXIT = {
  OK: 0,
  ERROR: 1,
  USAGE: 2,
  DATA: 65,
  NO_INPUT: 66,
  UNAVAILABLE: 69,
  INTERNAL: 70,
  CANNOT_CREATE: 73,
  NO_PERMISSION: 77,
  CONFIG: 78,
  INTERRUPTED: 130,
} as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** What each says, as help and documentation put it. */
export const EXIT_MEANINGS: Readonly<Record<ExitCode, string>> = {
  [EXIT.OK]: 'done; a follow that was interrupted counts as done',
  [EXIT.ERROR]: 'the broker refused, or what was asked for is not there',
  [EXIT.USAGE]: 'the command line is wrong',
  [EXIT.DATA]: 'data are not what they should be: a damaged record or file, or a newer format',
  [EXIT.NO_INPUT]: 'a file that was named cannot be read',
  [EXIT.UNAVAILABLE]: 'no broker answers, or it takes no work now: the same may succeed later',
  [EXIT.INTERNAL]: 'a bug in goqueue',
  [EXIT.CANNOT_CREATE]: 'the data directory cannot be made or written, or is in use',
  [EXIT.NO_PERMISSION]: 'the broker wants an API key, or another one',
  [EXIT.CONFIG]: 'the configuration is wrong',
  [EXIT.INTERRUPTED]: 'interrupted before it was done',
}

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
