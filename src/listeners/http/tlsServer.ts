/**
 * HTTPS. What is said under the level of HTTP (a handshake that fails, a client that speaks plain HTTP) ends in a
 * closed connection: there is nobody yet who would understand an answer.
 */
import type { RequestListener } from 'node:http'
import { Server, type ServerOptions } from 'node:https'
import type { Socket } from 'node:net'
import { SECOND_MS } from '../../kernel/units.ts'
import type { Credentials } from './options.ts'

export type Certificate = NonNullable<Credentials['tls']>

const HANDSHAKE_MS_MAX = 10 * SECOND_MS

export class TlsServer extends Server {
  /** Node counts those only that have shaken hands. */
  readonly #sockets = new Set<Socket>()

  constructor(tls: Certificate, options: ServerOptions, listener: RequestListener) {
    const handshake = { minVersion: 'TLSv1.2', handshakeTimeout: HANDSHAKE_MS_MAX } as const
    super({ ...options, ...tls, ...handshake }, listener)
    this.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  /** Connections from now on get this certificate. Throws where it is none, or is not of this key. */
  replaceCertificate(tls: Certificate): void {
    this.setSecureContext({ ...tls, minVersion: 'TLSv1.2' })
  }

  override closeAllConnections(): void {
    super.closeAllConnections()
    for (const socket of this.#sockets) socket.destroy()
  }
}
