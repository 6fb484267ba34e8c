/**
 * Connections that keep an order: the requests of one lane travel over one connection in the order of their calls,
 * many at once (HTTP pipelining), and are answered in that order.
 *
 * When the connection breaks, the request at its head fails; those behind it are sent again over a new one without
 * asking. So a lane is for requests that may be repeated, and that the broker recognises when they are.
 */
import { Client } from 'undici'
import { type ExchangeReply, exchange } from './exchange.ts'

export interface LaneOptions {
  readonly origin: string
  /** Connections to spread the lanes over. */
  readonly count: number
  /** Requests under way at once on one of them. */
  readonly pipelining: number
  /** How connections are made. */
  readonly connect: { readonly timeout: number; readonly ca?: string }
}

export interface LaneRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly headers: Record<string, string>
  readonly body?: Uint8Array | string
  readonly timeoutMs: number
}

export class Lanes {
  readonly #options: LaneOptions
  /** Connected by their first request. */
  readonly #clients: (Client | undefined)[] = []

  constructor(options: LaneOptions) {
    this.#options = options
  }

  /** `lane`: any number from 0; equal ones share a connection. Rejects with the error of undici. */
  request(lane: number, { timeoutMs, ...request }: LaneRequest): Promise<ExchangeReply> {
    return exchange(this.#client(lane % this.#options.count), {
      idempotent: true,
      blocking: false,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      ...request,
    })
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client?.close()))
  }

  #client(index: number): Client {
    const { origin, pipelining, connect } = this.#options
    const client = this.#clients[index] ?? new Client(origin, { pipelining, connect })
    this.#clients[index] = client
    return client
  }
}
