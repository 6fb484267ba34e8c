import { BrokerError, type ErrorCode } from '../../kernel/errors.ts'
import type { Clock } from '../../kernel/platform.ts'
import type { Interceptor, OperationName } from '../operations.ts'

/**
 * Told of every call that ended: how long it took in milliseconds (a long poll's wait is part of it) and, where it
 * failed, the code; UNKNOWN for what is no BrokerError. Must not throw.
 */
export type CallObserver = (name: OperationName, durationMs: number, code?: ErrorCode) => void

export const measure =
  (clock: Clock, onCall: CallObserver): Interceptor =>
  (next) =>
  async (call) => {
    const startedAtMs = clock.monotonicMs()
    try {
      const output = await next(call)
      onCall(call.name, clock.monotonicMs() - startedAtMs)
      return output
    } catch (error) {
      const code = error instanceof BrokerError ? error.code : 'UNKNOWN'
      onCall(call.name, clock.monotonicMs() - startedAtMs, code)
      throw error
    }
  }
