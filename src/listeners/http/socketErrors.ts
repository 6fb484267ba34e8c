/**
 * What goes wrong below the level of a request: bytes that are not HTTP, heads too large, requests that never
 * end, connections over the limit. Each is answered in the contract's form where the socket still takes it.
 *
 * A request of the same connection that is whole and under way is answered first, and alone: an error written in
 * front of its reply would be read as the reply.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { BrokerError } from '../../kernel/errors.ts'
import { SECOND_MS } from '../../kernel/units.ts'
import type { Counters } from './counters.ts'
import { rawResponse } from './errorReplies.ts'
import { HTTP_LIMITS } from './options.ts'
import { TlsServer } from './tlsServer.ts'
import type { Traffic } from './traffic.ts'

/** There is no connection yet that could carry an answer. */
const NO_HANDSHAKE = /^(?:ERR_SSL|ERR_TLS|EPROTO)/

/** For fastify's `clientErrorHandler`. */
export const clientErrorHandler =
  (traffic: Traffic, counters: Counters) =>
  (error: Error & { code?: string }, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || socket.destroyed) {
      socket.destroy()
      return
    }
    counters.clientErrors += 1
    if (error.code !== undefined && NO_HANDSHAKE.test(error.code)) {
      socket.destroy()
      return
    }
    socket.pause()
    const owed = responseOwed(traffic, socket)
    if (owed !== undefined) {
      owed.once('close', () => socket.destroySoon())
      return
    }
    refuse(socket, brokerErrorOf(error.code))
  }

function brokerErrorOf(code: string | undefined): BrokerError {
  if (code === 'HPE_HEADER_OVERFLOW') {
    const text = `request line and headers exceed ${HTTP_LIMITS.headerBytesMax} bytes`
    return new BrokerError('HEADERS_TOO_LARGE', text)
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new BrokerError('REQUEST_TIMED_OUT', 'the request did not arrive in time')
  }
  return new BrokerError('INVALID_REQUEST', `not a valid HTTP request (${code ?? 'unreadable'})`)
}

/** The last response on this socket whose request has come as a whole. */
function responseOwed(traffic: Traffic, socket: Socket): ServerResponse | undefined {
  let owed: ServerResponse | undefined
  for (const { reply } of traffic.flights()) {
    const { raw } = reply.request
    if (raw.socket === socket && raw.complete && !reply.raw.writableFinished) owed = reply.raw
  }
  return owed
}

function refuse(socket: Duplex, error: BrokerError): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  socket.on('error', () => {})
  socket.end(rawResponse(error), () => socket.destroy())
}

/** Answers what Node would answer by itself, and without a body. */
export function guardServer(server: Server, connectionsMax: number, counters: Counters): void {
  let connections = 0
  server.on('connection', (socket: Socket) => {
    connections += 1
    socket.once('close', () => {
      connections -= 1
    })
    if (connections <= connectionsMax) return
    counters.refusedConnections += 1
    if (server instanceof TlsServer) {
      socket.destroy()
      return
    }
    const text = `${connectionsMax} connections are open already`
    refuse(socket, new BrokerError('BROKER_OVERLOADED', text, { retryAfterMs: SECOND_MS }))
  })
  server.on('connect', (_: IncomingMessage, socket: Duplex) =>
    refuse(socket, new BrokerError('METHOD_NOT_ALLOWED', 'this is no proxy')),
  )
  server.on('checkExpectation', (request: IncomingMessage) =>
    refuse(
      request.socket,
      new BrokerError('INVALID_REQUEST', 'of expectations only 100-continue is known'),
    ),
  )
}
