/**
 * The leanest HTTP/1.1 client that is still correct for what is measured: requests are bytes made before, one is
 * under way at a time, and of a response only the status and the body are looked at. What the client does not
 * spend is left to the servers, which share the machine with it.
 *
 * Responses carry a content-length (a chunked one is refused: neither side sends them). Bytes are received into
 * one buffer for the connection's life, and what comes in several pieces is put together in another, so that a body
 * is a view that holds until its handler returns. With memory of its own for each large body the client collected
 * garbage for 5 to 15 ms every tenth answer, and that was most of the p99 of large answers.
 */
import { connect, type Socket } from 'node:net'

const HEAD_END = Buffer.from('\r\n\r\n')
const CONTENT_LENGTH = /\r\ncontent-length: *(\d+)/i
const STATUS_AT = 9

export type ResponseHandler = (status: number, body: Buffer) => void

export interface ConnectionOptions {
  readonly port: number
  readonly onResponse: ResponseHandler
  /** The connection ended or sent what is not a response; nothing comes after it. */
  readonly onFailure: (error: Error) => void
  /** Bytes received at once; default 64 KiB. */
  readonly receiveBytes?: number
}

export class LeanConnection {
  readonly #socket: Socket
  readonly #onResponse: ResponseHandler
  readonly #onFailure: (error: Error) => void
  /** Head that has come in part, or undefined. */
  #head: Buffer | undefined
  /** Body that has come in part, with its status and how much of it is there; or undefined. */
  #body: Buffer | undefined
  #bodyFilled = 0
  /** For bodies that come in pieces; grows. */
  #space = Buffer.alloc(0)
  #status = 0
  #closed = false

  /** Resolves when the connection stands. */
  static open(options: ConnectionOptions): Promise<LeanConnection> {
    return new Promise((resolve, reject) => {
      const connection = new LeanConnection(options, () => resolve(connection), reject)
    })
  }

  private constructor(
    options: ConnectionOptions,
    connected: () => void,
    refused: (error: Error) => void,
  ) {
    this.#onResponse = options.onResponse
    this.#onFailure = options.onFailure
    this.#socket = connect({
      port: options.port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: Buffer.allocUnsafe(options.receiveBytes ?? 65_536),
        callback: (length, bytes) => {
          this.#receive(Buffer.from(bytes.buffer, bytes.byteOffset, length))
          return true
        },
      },
    })
    this.#socket.once('connect', connected)
    this.#socket.once('error', (error) => {
      refused(error)
      this.#fail(error)
    })
    this.#socket.once('close', () => this.#fail(new Error('the server closed the connection')))
  }

  send(request: Buffer): void {
    this.#socket.write(request)
  }

  close(): void {
    this.#closed = true
    this.#socket.destroy()
  }

  #fail(error: Error): void {
    if (this.#closed) return
    this.close()
    this.#onFailure(error)
  }

  #receive(chunk: Buffer): void {
    if (this.#body !== undefined) {
      this.#fill(this.#body, chunk)
      return
    }
    const bytes = this.#head === undefined ? chunk : Buffer.concat([this.#head, chunk])
    const headEnd = bytes.indexOf(HEAD_END)
    if (headEnd === -1) {
      this.#head = Buffer.from(bytes)
      return
    }
    this.#head = undefined
    const head = bytes.toString('latin1', 0, headEnd)
    const length = CONTENT_LENGTH.exec(head)?.[1]
    if (length === undefined) {
      this.#fail(new Error(`a response without content-length: ${head}`))
      return
    }
    this.#status = Number(head.slice(STATUS_AT, STATUS_AT + 3))
    const bodyLength = Number(length)
    const rest = bytes.subarray(headEnd + HEAD_END.length)
    if (rest.length === bodyLength) {
      this.#onResponse(this.#status, rest)
      return
    }
    if (this.#space.length < bodyLength) this.#space = Buffer.allocUnsafeSlow(bodyLength * 2)
    this.#body = this.#space.subarray(0, bodyLength)
    this.#bodyFilled = 0
    this.#fill(this.#body, rest)
  }

  #fill(body: Buffer, chunk: Buffer): void {
    if (chunk.length > body.length - this.#bodyFilled) {
      this.#fail(new Error('more bytes than the response announced'))
      return
    }
    this.#bodyFilled += chunk.copy(body, this.#bodyFilled)
    if (this.#bodyFilled < body.length) return
    this.#body = undefined
    this.#onResponse(this.#status, body)
  }
}
