/** The one form of every error on the wire. */
import { type Static, Type } from 'typebox'
import { BrokerError, type ErrorFields, isErrorCode } from '../kernel/errors.ts'
import { SECOND_MS } from '../kernel/units.ts'

export const ErrorBody = Type.Object(
  {
    error: Type.String({ description: 'what went wrong, as a sentence; not to be matched on' }),
    code: Type.String({ description: 'stable; to be matched on', examples: ['TOPIC_NOT_FOUND'] }),
    retryable: Type.Boolean({ description: 'whether the same request may succeed later' }),
    fields: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        description: 'what is wrong where: `messages[3].priority` to a sentence',
      }),
    ),
  },
  { description: 'every error of every route' },
)
export type ErrorBody = Static<typeof ErrorBody>

export function errorBodyOf(error: BrokerError): ErrorBody {
  const { code, message, retryable, fields } = error
  const body = { error: message, code, retryable }
  return fields === undefined ? body : { ...body, fields: { ...fields } }
}

/** Whole seconds for a `Retry-After` header, at least 1; undefined where trying again is no use. */
export function retryAfterSeconds(error: BrokerError): number | undefined {
  const { httpStatus, retryable, retryAfterMs } = error
  const waits =
    retryAfterMs !== undefined || (retryable && (httpStatus === 503 || httpStatus === 429))
  return waits ? Math.max(1, Math.ceil((retryAfterMs ?? SECOND_MS) / SECOND_MS)) : undefined
}

/** The error that a body tells of; undefined where the body is not one of ours. */
export function errorOfBody(body: unknown): BrokerError | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const { error, code, fields } = body as Partial<ErrorBody>
  if (typeof error !== 'string' || !isErrorCode(code)) return undefined
  return new BrokerError(code, error, isFields(fields) ? { fields } : {})
}

const isFields = (value: unknown): value is ErrorFields =>
  typeof value === 'object' &&
  value !== null &&
  Object.values(value).every((each) => typeof each === 'string')
