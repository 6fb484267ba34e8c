/**
 * Every error a caller can meet, in one table.
 *
 * Codes are wire protocol: a name or a number, once released, is never reused. Where Kafka has the
 * error, `wire` is Kafka's number; ours start at 900. `http` is the status that listeners answer
 * with, `retryable` says whether the same call may succeed later without being changed.
 */
export const ERRORS = {
  UNKNOWN: { wire: -1, http: 500, retryable: false },
  OFFSET_OUT_OF_RANGE: { wire: 1, http: 416, retryable: false },
  CORRUPT_RECORD: { wire: 2, http: 400, retryable: false },
  TOPIC_NOT_FOUND: { wire: 3, http: 404, retryable: false },
  REQUEST_TIMED_OUT: { wire: 7, http: 408, retryable: true },
  RECORD_TOO_LARGE: { wire: 10, http: 413, retryable: false },
  INVALID_TOPIC_NAME: { wire: 17, http: 400, retryable: false },
  BATCH_TOO_LARGE: { wire: 18, http: 413, retryable: false },
  UNSUPPORTED_VERSION: { wire: 35, http: 400, retryable: false },
  STALE_GENERATION: { wire: 22, http: 409, retryable: false },
  GROUP_MODE_CONFLICT: { wire: 23, http: 409, retryable: false },
  UNKNOWN_MEMBER: { wire: 25, http: 404, retryable: false },
  TOPIC_EXISTS: { wire: 36, http: 409, retryable: false },
  INVALID_PARTITIONS: { wire: 37, http: 422, retryable: false },
  INVALID_CONFIG: { wire: 40, http: 422, retryable: false },
  OUT_OF_ORDER_SEQUENCE: { wire: 45, http: 409, retryable: false },
  INVALID_PRODUCER_EPOCH: { wire: 47, http: 409, retryable: false },
  STORAGE_ERROR: { wire: 56, http: 503, retryable: true },
  UNAUTHORIZED: { wire: 58, http: 401, retryable: false },
  GROUP_NOT_EMPTY: { wire: 68, http: 409, retryable: false },
  GROUP_NOT_FOUND: { wire: 69, http: 404, retryable: false },
  GROUP_FULL: { wire: 81, http: 429, retryable: true },

  INVALID_REQUEST: { wire: 900, http: 400, retryable: false },
  BROKER_OVERLOADED: { wire: 902, http: 503, retryable: true },
  SHUTTING_DOWN: { wire: 903, http: 503, retryable: true },
  RECOVERING: { wire: 904, http: 503, retryable: true },
  PARTITION_NOT_FOUND: { wire: 905, http: 404, retryable: false },
  PARTITION_UNAVAILABLE: { wire: 906, http: 503, retryable: false },
  LOG_CORRUPT: { wire: 907, http: 503, retryable: false },
  LOG_CLOSED: { wire: 908, http: 503, retryable: true },
  LOG_FENCED: { wire: 909, http: 503, retryable: false },
  OUTCOME_UNKNOWN: { wire: 910, http: 503, retryable: false },
  DISK_FULL: { wire: 911, http: 503, retryable: true },
  DATA_DIR_LOCKED: { wire: 912, http: 503, retryable: false },
  FORMAT_TOO_NEW: { wire: 913, http: 503, retryable: false },
  ROUTE_NOT_FOUND: { wire: 914, http: 404, retryable: false },
  METHOD_NOT_ALLOWED: { wire: 915, http: 405, retryable: false },
  UNSUPPORTED_MEDIA_TYPE: { wire: 916, http: 415, retryable: false },
  TOO_MANY_WAITERS: { wire: 917, http: 503, retryable: true },
  LIMIT_REACHED: { wire: 918, http: 429, retryable: true },
  TOO_MANY_FILES: { wire: 919, http: 503, retryable: true },
  CANCELLED: { wire: 920, http: 499, retryable: true },
  CONNECTION_FAILED: { wire: 921, http: 503, retryable: true },
  HEADERS_TOO_LARGE: { wire: 922, http: 431, retryable: false },
  REQUEST_TOO_LARGE: { wire: 923, http: 413, retryable: false },
  NOT_AVAILABLE: { wire: 924, http: 422, retryable: false },
  NOT_ASSIGNED: { wire: 930, http: 403, retryable: false },
  PARTITION_HELD: { wire: 931, http: 409, retryable: false },
  IDEMPOTENCY_CONFLICT: { wire: 932, http: 422, retryable: false },
  RECEIPT_NOT_FOUND: { wire: 933, http: 404, retryable: false },
  LEASE_LOST: { wire: 934, http: 409, retryable: false },
  TASK_NOT_FOUND: { wire: 935, http: 404, retryable: false },
  DELAYED_NOT_FOUND: { wire: 936, http: 404, retryable: false },
  ALREADY_DELIVERED: { wire: 937, http: 409, retryable: false },
  BACKUP_RUNNING: { wire: 938, http: 409, retryable: true },
  BUFFER_FULL: { wire: 940, http: 503, retryable: true },
  CLIENT_CLOSED: { wire: 941, http: 503, retryable: false },
} as const satisfies Record<string, { wire: number; http: number; retryable: boolean }>

export type ErrorCode = keyof typeof ERRORS

/** What went wrong where: a path into the request (`messages[3].value`) to a sentence. */
export type ErrorFields = Readonly<Record<string, string>>

export interface BrokerErrorOptions extends ErrorOptions {
  readonly fields?: ErrorFields
  /** How long to wait before trying again; listeners turn it into `Retry-After`. */
  readonly retryAfterMs?: number
}

/** An operating error: it goes to the caller. Match on `code`, never on the message. */
export class BrokerError extends Error {
  override readonly name = 'BrokerError'
  readonly code: ErrorCode
  readonly fields: ErrorFields | undefined
  readonly retryAfterMs: number | undefined

  constructor(code: ErrorCode, message: string, options: BrokerErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.fields = options.fields
    this.retryAfterMs = options.retryAfterMs
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable
  }

  get httpStatus(): number {
    return ERRORS[this.code].http
  }
}

export const isErrorCode = (value: unknown): value is ErrorCode =>
  typeof value === 'string' && Object.hasOwn(ERRORS, value)
