/** HTTP as bytes on a socket, for what no client would send. */
import { connect, type Socket } from 'node:net'

export interface RawReply {
  readonly status: number
  readonly head: string
  readonly body: string
}

/** A request with a right content-length; `headers` are written as they stand. */
export function rawRequest(
  start: string,
  headers: readonly string[] = [],
  body: string | Uint8Array = '',
): Buffer {
  const bytes = Buffer.from(body)
  const lines = [`${start} HTTP/1.1`, 'host: localhost', ...headers]
  if (bytes.length > 0) lines.push(`content-length: ${bytes.length}`)
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), bytes])
}

/** One connection: sends what it is told, keeps what comes back. */
export class RawSocket {
  readonly socket: Socket
  #received = Buffer.alloc(0)
  #isClosed = false
  #changed: () => void = () => {}

  static async open(port: number): Promise<RawSocket> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return new RawSocket(socket)
  }

  private constructor(socket: Socket) {
    this.socket = socket
    const end = (): void => {
      this.#isClosed = true
      this.#changed()
    }
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk])
      this.#changed()
    })
    socket.on('end', end)
    socket.on('close', end)
    // A reset is an end like any other here.
    socket.on('error', end)
  }

  send(...chunks: readonly (string | Uint8Array)[]): this {
    for (const chunk of chunks) this.socket.write(chunk)
    return this
  }

  /** Nothing more will be sent; the other side may still answer. */
  halfClose(): this {
    this.socket.end()
    return this
  }

  destroy(): void {
    this.socket.destroy()
  }

  /** The next whole reply; undefined where the other side ended without one. */
  async reply(): Promise<RawReply | undefined> {
    for (;;) {
      const reply = this.#take()
      if (reply !== undefined || this.#isClosed) return reply
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
  }

  /** Resolves when the other side has ended the connection, with what it sent and nobody took. */
  async closed(): Promise<string> {
    while (!this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
    return this.#received.toString()
  }

  #take(): RawReply | undefined {
    const headEnd = this.#received.indexOf('\r\n\r\n')
    if (headEnd === -1) return undefined
    const head = this.#received.toString('latin1', 0, headEnd)
    const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0)
    const end = headEnd + 4 + length
    if (this.#received.length < end) return undefined
    const body = this.#received.toString('utf8', headEnd + 4, end)
    this.#received = this.#received.subarray(end)
    return { status: Number(head.slice(9, 12)), head, body }
  }
}

/** Sends `bytes` on a connection of its own and takes one reply. */
export async function exchange(
  port: number,
  bytes: Uint8Array | string,
): Promise<RawReply | undefined> {
  const socket = await RawSocket.open(port)
  try {
    return await socket.send(bytes).reply()
  } finally {
    socket.destroy()
  }
}
