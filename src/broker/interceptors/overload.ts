/**
 * Bounds what publishes may hold in memory at once: a disk that cannot keep up is answered with
 * BROKER_OVERLOADED, not with a heap that grows. A single request, however large, is let in where there is no other.
 */
import { BrokerError } from '../../kernel/errors.ts'
import type { Call, Interceptor } from '../operations.ts'

const RETRY_AFTER_MS = 1000

export class PublishGate {
  readonly #requestsMax: number
  readonly #bytesMax: number
  /** Publishes under way. */
  requests = 0
  /** Bytes of keys and values of those. */
  bytes = 0

  constructor(requestsMax: number, bytesMax: number) {
    this.#requestsMax = requestsMax
    this.#bytesMax = bytesMax
  }

  enter(bytes: number): void {
    const isFull = this.requests >= this.#requestsMax || this.bytes + bytes > this.#bytesMax
    if (isFull && this.requests > 0) {
      throw new BrokerError(
        'BROKER_OVERLOADED',
        `${this.requests} publishes of ${this.bytes} bytes are under way`,
        { retryAfterMs: RETRY_AFTER_MS },
      )
    }
    this.requests += 1
    this.bytes += bytes
  }

  leave(bytes: number): void {
    this.requests -= 1
    this.bytes -= bytes
  }
}

export const overload =
  (gate: PublishGate): Interceptor =>
  (next) =>
  (call) => {
    const bytes = publishBytes(call)
    return bytes === undefined ? next(call) : admitted(gate, bytes, () => next(call))
  }

async function admitted(
  gate: PublishGate,
  bytes: number,
  run: () => Promise<unknown>,
): Promise<unknown> {
  gate.enter(bytes)
  try {
    return await run()
  } finally {
    gate.leave(bytes)
  }
}

/** Undefined for what is no publish. */
function publishBytes(call: Call): number | undefined {
  if (call.name === 'records.publishBatch' || call.name === 'delay.publishBatch') {
    return call.input.batch.bytes.length
  }
  if (call.name !== 'records.publish') return undefined
  let bytes = 0
  for (const { key, value } of call.input.messages) {
    bytes += (key?.length ?? 0) + (value?.length ?? 0)
  }
  return bytes
}
