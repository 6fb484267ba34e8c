import { BrokerError } from '../../kernel/errors.ts'
import type { InFlight } from '../../kernel/inFlight.ts'
import type { BrokerStatus, Interceptor } from '../operations.ts'

const RETRY_AFTER_MS = 1000

/** Lets calls in only while the broker runs, and counts those under way, so that stopping can wait for them. */
export const lifecycle =
  (state: () => BrokerStatus['state'], inFlight: InFlight): Interceptor =>
  (next) =>
  async (call) => {
    if (state() !== 'running') throw refusal(state())
    inFlight.enter()
    try {
      return await next(call)
    } finally {
      inFlight.leave()
    }
  }

function refusal(state: BrokerStatus['state']): BrokerError {
  return state === 'starting'
    ? new BrokerError('RECOVERING', 'the broker is starting', { retryAfterMs: RETRY_AFTER_MS })
    : new BrokerError('SHUTTING_DOWN', 'the broker is stopping', { retryAfterMs: RETRY_AFTER_MS })
}
