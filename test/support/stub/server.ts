/** A {@link StubBroker} behind a real socket. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { StubBroker } from './broker.ts'
import { Cut } from './exchange.ts'

export interface StubServer {
  readonly url: string
  /** Resolves when no socket is open. */
  quiet(): Promise<void>
  close(): Promise<void>
}

export async function serveStub(broker: StubBroker): Promise<StubServer> {
  const server = createServer((request, response) => void answer(broker, request, response))
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    quiet: async () => {
      await Promise.all([...sockets].map((socket) => once(socket, 'close')))
    },
    close: () => closeServer(server),
  }
}

async function answer(
  broker: StubBroker,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  try {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://stub')
    const { status, headers, body } = await broker.handle({
      method: request.method ?? 'GET',
      path: pathname,
      query,
      body: Buffer.concat(chunks),
      signal: gone.signal,
    })
    response.writeHead(status, headers).end(body)
  } catch (error) {
    request.socket.destroy()
    if (!(error instanceof Cut)) broker.onFailure(error)
  }
}

const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
