/**
 * The HTTP door of the broker.
 *
 * Stopping: no new connections, new requests on open ones are answered 503, waiting polls are answered at once,
 * what is under way is finished, each reply closes its connection; then, or after `stopTimeoutMs`, every socket
 * that is left (idle, or in the middle of a request head) is cut.
 */
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { invariant } from '../../kernel/invariant.ts'
import { Service } from '../../kernel/service.ts'
import { makeApp } from './app.ts'
import { BodyBlocks } from './bodyBlocks.ts'
import { Counters, type RouteStats } from './counters.ts'
import { KeyRing } from './keyRing.ts'
import {
  type Credentials,
  DEFAULT_HTTP_OPTIONS,
  type HttpListenerOptions,
  type HttpListenerParts,
} from './options.ts'
import { LongPolls } from './read/longPolls.ts'
import { TlsServer } from './tlsServer.ts'
import { Traffic } from './traffic.ts'

export interface HttpAddress {
  readonly host: string
  readonly port: number
  /** `http://127.0.0.1:8080`, or `https://…` */
  readonly url: string
}

/** Figures of the listener since its start; gauges are of now. */
export interface HttpStats {
  readonly requestsInFlight: number
  /** Of those, long polls that wait. */
  readonly longPollsWaiting: number
  /** Bodies and replies in memory. */
  readonly bytesInFlight: number
  readonly clientErrors: number
  readonly connectionsRefused: number
  /** Requests answered with an error, by its code. */
  readonly refusals: ReadonlyMap<string, number>
  readonly routes: readonly RouteStats[]
}

const BACKLOG = 1024

export class HttpListener extends Service {
  readonly options: HttpListenerOptions
  readonly #parts: HttpListenerParts
  readonly #traffic: Traffic
  readonly #polls: LongPolls
  readonly #counters = new Counters()
  readonly #keys: KeyRing
  #app: FastifyInstance | undefined
  #address: HttpAddress | undefined

  constructor(parts: HttpListenerParts) {
    super()
    this.#parts = parts
    this.options = { ...DEFAULT_HTTP_OPTIONS, ...parts.options }
    this.#traffic = new Traffic(this.options, parts.platform.clock)
    this.#polls = new LongPolls(this.#traffic)
    this.#keys = new KeyRing(parts.credentials?.apiKeys ?? [])
  }

  /** Where it listens; undefined before it is started. */
  get address(): HttpAddress | undefined {
    return this.#address
  }

  /** `http://127.0.0.1:8080`; for a listener that is started. */
  get url(): string {
    invariant(this.#address !== undefined, 'the listener is started')
    return this.#address.url
  }

  stats(): HttpStats {
    return {
      requestsInFlight: this.#traffic.requests,
      longPollsWaiting: this.#traffic.waiting,
      bytesInFlight: this.#traffic.bytes,
      clientErrors: this.#counters.clientErrors,
      connectionsRefused: this.#counters.refusedConnections,
      refusals: this.#counters.refusals,
      routes: this.#counters.routes(),
    }
  }

  /**
   * Other keys and another certificate, from the next request and the next connection on; what is under way goes on
   * as it began. Whether keys are asked for at all, and TLS spoken, stays as it was. Throws where the certificate is
   * none or is not of its key: then nothing has changed.
   */
  replaceCredentials({ apiKeys, tls }: Credentials): void {
    const server = this.#app?.server
    if (tls !== undefined && server instanceof TlsServer) server.replaceCertificate(tls)
    this.#keys.replace(apiKeys)
  }

  /** Resolves when it listens. Rejects where the address is taken or not this machine's. */
  protected override async onStart(): Promise<void> {
    const { broker, platform } = this.#parts
    const app = await makeApp({
      broker,
      platform,
      parts: this.#parts,
      options: this.options,
      traffic: this.#traffic,
      polls: this.#polls,
      counters: this.#counters,
      bodyBlocks: new BodyBlocks(),
      keys: this.#keys,
    })
    this.#app = app
    const { host, port } = this.options
    await new Promise<void>((resolve, reject) => {
      app.server.once('error', reject)
      app.server.listen({ host, port, backlog: BACKLOG }, () => {
        app.server.off('error', reject)
        resolve()
      })
    })
    const scheme = this.#parts.credentials?.tls === undefined ? 'http' : 'https'
    this.#address = addressOf(scheme, app.server.address() as AddressInfo)
  }

  /** Resolves when no socket is left, within `stopTimeoutMs` and a little. */
  protected override async onStop(): Promise<void> {
    const app = this.#app
    if (app === undefined) return
    const closed = new Promise<void>((resolve) => app.server.close(() => resolve()))
    const drained = this.#traffic.drain(this.options.stopTimeoutMs)
    this.#traffic.abortWaits()
    app.server.closeIdleConnections()
    if (!(await drained)) {
      const { requests } = this.#traffic
      this.#parts.platform.logger.warn({ requests }, 'stopping while requests are under way')
    }
    app.server.closeAllConnections()
    this.#traffic.release()
    await closed
    await app.close()
  }
}

function addressOf(scheme: string, { address, family, port }: AddressInfo): HttpAddress {
  const host = family === 'IPv6' ? `[${address}]` : address
  return { host: address, port, url: `${scheme}://${host}:${port}` }
}
