/** Errors of every origin, in the contract's one form. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { errorBodyOf, JSON_TYPE, retryAfterSeconds } from '../../api/index.ts'
import { BrokerError, type ErrorCode } from '../../kernel/errors.ts'
import { InvariantViolation } from '../../kernel/invariant.ts'
import type { Logger } from '../../kernel/platform.ts'

/** Fastify's own errors that a client can cause, by their codes. */
const FASTIFY_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  FST_ERR_CTP_BODY_TOO_LARGE: 'REQUEST_TOO_LARGE',
  FST_ERR_NOT_FOUND: 'ROUTE_NOT_FOUND',
}

const SENTENCES: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE:
    'the content type must be application/json, or application/vnd.goqueue.records to publish a raw batch',
  FST_ERR_BAD_URL: 'the path is not validly percent-encoded',
  FST_ERR_MAX_PARAM_LENGTH: 'a part of the path is too long',
}

/** Undefined where the error is nothing that the client did. */
function clientMistake(error: unknown): BrokerError | undefined {
  if (error instanceof BrokerError) return error
  const { code, statusCode, message } = error as Partial<Record<string, unknown>>
  if (typeof code !== 'string' || typeof statusCode !== 'number') return undefined
  if (statusCode < 400 || statusCode >= 500) return undefined
  return new BrokerError(
    FASTIFY_CODES[code] ?? 'INVALID_REQUEST',
    SENTENCES[code] ?? String(message),
  )
}

/** Answers with the error; what goes wrong here is not the client's is logged and told as no more than that. */
export function sendError(reply: FastifyReply, error: BrokerError): void {
  const seconds = retryAfterSeconds(error)
  if (seconds !== undefined) reply.header('retry-after', String(seconds))
  reply
    .code(error.httpStatus)
    .header('content-type', JSON_TYPE)
    .send(JSON.stringify(errorBodyOf(error)))
}

export interface ErrorHandling {
  readonly logger: Logger
  readonly onFatal: (error: unknown) => void
  /** Told of each request that is answered with an error. */
  readonly onRefused: (code: ErrorCode) => void
}

/** For `setErrorHandler` and `frameworkErrors`. */
export const errorHandler =
  ({ logger, onFatal, onRefused }: ErrorHandling) =>
  (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    // A body that could not be read: fastify closes the connection for it, ours is read on and thrown away.
    if (error instanceof BrokerError) reply.removeHeader('connection')
    if (reply.raw.headersSent) return
    const mistake = clientMistake(error)
    if (mistake !== undefined) {
      onRefused(mistake.code)
      if (mistake.httpStatus >= 500) logBroker(logger, mistake, request)
      sendError(reply, mistake)
      return
    }
    onRefused('UNKNOWN')
    logger.error({ error, requestId: request.id, method: request.method }, 'a request failed')
    sendError(reply, new BrokerError('UNKNOWN', `internal error; see the log for ${request.id}`))
    if (error instanceof InvariantViolation) onFatal(error)
  }

function logBroker(logger: Logger, error: BrokerError, request: FastifyRequest): void {
  const { code, message } = error
  logger.debug({ code, reason: message, requestId: request.id }, 'a request was refused')
}

/** A whole HTTP response, for a socket on which no request can be answered; the connection is closed after it. */
export function rawResponse(error: BrokerError): string {
  const body = JSON.stringify(errorBodyOf(error))
  const status = error.httpStatus
  const retry = retryAfterSeconds(error)
  return [
    `HTTP/1.1 ${status} ${REASONS[status] ?? 'Error'}`,
    `content-type: ${JSON_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    ...(retry === undefined ? [] : [`retry-after: ${retry}`]),
    'connection: close',
    '',
    body,
  ].join('\r\n')
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Payload Too Large',
  431: 'Request Header Fields Too Large',
  503: 'Service Unavailable',
}
