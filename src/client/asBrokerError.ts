import { BrokerError } from '../kernel/errors.ts'

/** What was thrown, as a caller is told of it: UNKNOWN where it is none of the errors that anybody foresaw. */
export const asBrokerError = (reason: unknown): BrokerError =>
  reason instanceof BrokerError
    ? reason
    : new BrokerError('UNKNOWN', `unexpected: ${String(reason)}`, { cause: reason })
