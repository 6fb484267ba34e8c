/**
 * Node hands a reply to the kernel in pieces, with writev(): arrays and memory for what one write() does.
 *
 *   of text    head and text, nothing
 *   of bytes   head, bytes, nothing
 *
 * The piece of no bytes is for the end. A socket of ours leaves it out, and copies a few bytes behind their head:
 * 8 and 12 % more single publishes a second from 50 connections, in two runs of 8 turns each.
 */
import type { Server } from 'node:http'
import { Socket } from 'node:net'
import { KiB } from '../../kernel/units.ts'

const COPIED_BYTES_MAX = 4 * KiB

interface Piece {
  readonly chunk: string | Uint8Array
  readonly encoding: BufferEncoding | 'buffer'
}

type Done = (error?: Error | null) => void

/** `_write` and `_writev` are what a Writable calls to write one piece, or several that have gathered. */
function writePieces(this: Socket, pieces: Piece[], done: Done): void {
  const one = oneOf(pieces)
  if (one === undefined) Socket.prototype._writev?.call(this, pieces as never, done)
  else this._write(one.chunk, one.encoding as BufferEncoding, done)
}

function oneOf(pieces: readonly Piece[]): Piece | undefined {
  const [head, body, last] = pieces
  if (head === undefined || body === undefined) return undefined
  if (pieces.length === 2) return body.chunk.length === 0 ? head : undefined
  if (pieces.length !== 3 || last?.chunk.length !== 0) return undefined
  if (typeof head.chunk !== 'string' || head.encoding !== 'latin1') return undefined
  if (typeof body.chunk === 'string' || body.chunk.length > COPIED_BYTES_MAX) return undefined
  const bytes = Buffer.allocUnsafe(head.chunk.length + body.chunk.length)
  bytes.set(body.chunk, bytes.write(head.chunk, 'latin1'))
  return { chunk: bytes, encoding: 'buffer' }
}

export function writeRepliesAtOnce(server: Server): void {
  server.on('connection', (socket: Socket) => {
    socket._writev = writePieces
  })
}
