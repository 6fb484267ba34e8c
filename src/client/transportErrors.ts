/**
 * What a failed exchange becomes: the broker's own error by its code, or one about the way to it.
 *
 * CONNECTION_FAILED: nothing reached a broker, or what did can be asked again. OUTCOME_UNKNOWN: a request that
 * changes something was sent and no answer came. REQUEST_TIMED_OUT: a question was not answered in time.
 */
import { BrokerError, type ErrorFields, isErrorCode } from '../kernel/errors.ts'
import { SECOND_MS } from '../kernel/units.ts'

export interface ErrorReply {
  readonly status: number
  readonly url: string
  readonly body: string
  readonly retryAfter: string | undefined
}

const SHOWN_CHARS = 200
const GATEWAY_STATUSES: readonly number[] = [502, 503, 504]

/** The error that a reply of status 400 or more stands for. */
export function errorOfReply({ status, url, body, retryAfter }: ErrorReply): BrokerError {
  const options = retryAfterOf(retryAfter)
  const reply = parseObject(body)
  const message = reply?.['error']
  if (typeof message === 'string' && isErrorCode(reply?.['code'])) {
    return new BrokerError(reply['code'], message, { ...options, ...fieldsOf(reply['fields']) })
  }
  // Not one of ours: a proxy, another server, or a newer broker with a code of its own.
  const shown = typeof message === 'string' ? message : body.trim().slice(0, SHOWN_CHARS)
  const code = GATEWAY_STATUSES.includes(status) ? 'CONNECTION_FAILED' : 'UNKNOWN'
  return new BrokerError(code, `${url} answered ${status}: ${shown || 'an empty body'}`, options)
}

const retryAfterOf = (seconds: string | undefined): { retryAfterMs?: number } =>
  seconds !== undefined && /^\d+$/.test(seconds)
    ? { retryAfterMs: Number(seconds) * SECOND_MS }
    : {}

function parseObject(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function fieldsOf(value: unknown): { fields?: ErrorFields } {
  if (typeof value !== 'object' || value === null) return {}
  const entries = Object.entries(value).filter(([, text]) => typeof text === 'string')
  return { fields: Object.fromEntries(entries) }
}

const UNTRUSTED =
  'its certificate is of nobody known here: name what signed it (ca, --ca-file, GOQUEUE_CA_FILE)'
/** Codes of errors that come before a request is on its way. */
const BEFORE_SENDING: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name server does not answer',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  EACCES: 'not allowed to connect',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it speaks no TLS: use an http URL',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it speaks no TLS: use an http URL',
}
const TIMEOUTS: readonly string[] = ['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']

export interface FailedExchange {
  readonly error: unknown
  readonly origin: string
  /** True where the request would have changed something. */
  readonly changes: boolean
  readonly aborted: boolean
}

/** The error that an exchange without a reply stands for. */
export function errorOfExchange({ error, origin, changes, aborted }: FailedExchange): BrokerError {
  const cause = rootOf(error)
  const code = codeOf(cause)
  if (aborted) return new BrokerError('CANCELLED', 'the request was cancelled', { cause: error })
  const before = BEFORE_SENDING[code]
  if (before !== undefined) {
    return new BrokerError('CONNECTION_FAILED', `cannot reach ${origin}: ${before}`, { cause })
  }
  const what = cause instanceof Error ? cause.message : String(cause)
  if (changes) {
    const message = `no answer from ${origin}, the request may or may not have been done: ${what}`
    return new BrokerError('OUTCOME_UNKNOWN', message, { cause })
  }
  const timedOut = TIMEOUTS.includes(code)
  const message = `no answer from ${origin}: ${what}`
  return new BrokerError(timedOut ? 'REQUEST_TIMED_OUT' : 'CONNECTION_FAILED', message, { cause })
}

/** Of several attempts (IPv6, then IPv4) the last says it best. */
const rootOf = (error: unknown): unknown =>
  error instanceof AggregateError ? error.errors.at(-1) : error

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : ''
