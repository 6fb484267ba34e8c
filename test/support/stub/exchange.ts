/** What goes to the stub and comes back. */
import type { BrokerError } from '../../../src/kernel/errors.ts'

export interface StubRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly body: Buffer
  /** Aborted when the caller went away. */
  readonly signal?: AbortSignal | undefined
}

export interface StubReply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string | Buffer
}

/** The connection is to be dropped. */
export class Cut extends Error {}

export const json = (value: unknown): StubReply => ({ status: 200, body: JSON.stringify(value) })

export function errorReply(error: BrokerError): StubReply {
  const { code, message, retryable, retryAfterMs, httpStatus: status } = error
  const headers: Record<string, string> =
    retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) }
  return { status, headers, body: JSON.stringify({ error: message, code, retryable }) }
}
