/** How a command ends that failed: one line, a hint where there is one, and an exit code scripts can trust. */
import { BrokerError, type ErrorCode } from '../kernel/errors.ts'
import { EXIT, type ExitCode, exitCodeOf } from '../kernel/exitCodes.ts'
import { Failure } from '../kernel/failure.ts'

export interface FailureReport {
  readonly exitCode: ExitCode
  readonly message: string
  readonly hint: string | undefined
}

const HINTS: Partial<Record<ErrorCode, string>> = {
  ALREADY_DELIVERED: 'it is in its topic; `goqueue delayed show` says since when it waited',
  BROKER_OVERLOADED: 'the broker is busy: try again in a moment',
  CONNECTION_FAILED:
    'start a broker with `goqueue serve`, or name another with --url or GOQUEUE_URL',
  DATA_DIR_LOCKED: 'stop that process, or use another directory with --data-dir',
  DELAYED_NOT_FOUND: '`goqueue delayed list <topic>` shows those that wait',
  DISK_FULL: 'make room on the disk of the data directory; the broker goes on by itself',
  GROUP_FULL: 'it takes another member when one has left',
  GROUP_MODE_CONFLICT:
    'the mode stays what the first member made it: take another group, or delete this one first',
  GROUP_NOT_EMPTY:
    '`goqueue group describe <group>` shows its members: stop them first; one that died is gone ' +
    'after its session timeout',
  GROUP_NOT_FOUND: '`goqueue group list` shows the groups; the first member makes one',
  PARTITION_HELD:
    'stop the members that hold them, or name other partitions; `goqueue group describe <group>` ' +
    'shows who holds what',
  FORMAT_TOO_NEW: 'a newer goqueue wrote this directory: run that version, or a newer one',
  LOG_CORRUPT: '`goqueue dump <directory>` shows what is damaged',
  OFFSET_OUT_OF_RANGE: '`goqueue topic describe <topic>` shows the offsets there are',
  OUTCOME_UNKNOWN: 'look before you repeat it: it may have been done',
  PARTITION_UNAVAILABLE: '`goqueue health` says why',
  RECORD_TOO_LARGE: 'raise it with `goqueue topic configure <topic> --max-record-bytes`',
  TOPIC_EXISTS: '--if-not-exists makes that no error',
  UNAUTHORIZED:
    'give a key with --api-key or GOQUEUE_API_KEY: one of those the broker was started with ' +
    '(its --api-keys-file or GOQUEUE_API_KEYS)',
  TOPIC_NOT_FOUND: '`goqueue topic list` shows the topics, `goqueue topic create` makes one',
}

/** A command line that means nothing. */
export class UsageError extends Failure {
  constructor(message: string, hint?: string) {
    super(EXIT.USAGE, message, hint === undefined ? {} : { hint })
  }
}

export function reportOf(error: unknown): FailureReport {
  if (error instanceof Failure) return error
  if (error instanceof BrokerError) {
    const fields = Object.entries(error.fields ?? {}).map(([path, text]) => `${path}: ${text}`)
    const details = fields.length === 0 ? '' : `; ${fields.join('; ')}`
    const message = `${error.message}${details} (${error.code})`
    return { exitCode: exitCodeOf(error.code), message, hint: HINTS[error.code] }
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { exitCode: EXIT.INTERNAL, message, hint: 'this is a bug in goqueue' }
}
