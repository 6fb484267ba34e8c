/** What a batch that failed comes to: whether it may be stored all the same, and what its sender hears. */
import { BrokerError, type ErrorCode } from '../../kernel/errors.ts'
import type { ProducerBatch } from './batch.ts'

/** Answers after which the same batch may be sent again, beside those whose error says so. */
const UNCERTAIN: ReadonlySet<ErrorCode> = new Set(['OUTCOME_UNKNOWN', 'REQUEST_TIMED_OUT'])

export const mayBeStored = ({ code }: BrokerError): boolean => UNCERTAIN.has(code)

/** Of a batch whose time is up. */
export function late({ isUncertain, lastError }: ProducerBatch): BrokerError {
  if (isUncertain && lastError !== undefined) return uncertain(lastError)
  const why = lastError === undefined ? 'its turn never came' : lastError.message
  return new BrokerError('REQUEST_TIMED_OUT', `not delivered in time: ${why}`, { cause: lastError })
}

export const uncertain = (cause: BrokerError): BrokerError =>
  new BrokerError('OUTCOME_UNKNOWN', `given up, it may be stored: ${cause.message}`, { cause })
