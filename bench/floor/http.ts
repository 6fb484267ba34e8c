/**
 * floor-http: the plainest server that takes the same requests, in a process of its own.
 *
 *   it does       bare fastify; JSON.parse of the same JSON body, or the same raw batch walked record by record;
 *                 the same record bytes; a CRC32C of every record, by the broker's own function, put into its header;
 *                 one file, one shared write for all that gathered, one shared fdatasync for all that ask; a small reply
 *   it leaves out validation, names, offsets and timestamps in records, indexes, segments, recovery, limits, metrics,
 *                 the checksum of the raw batch as a whole, results for each message
 *   tail          with `--tail` the newest messages are kept as objects, and a read at the end waits for the next
 *                 write and is answered by JSON.stringify; the broker keeps a tail always
 *
 * A write may be short only where the disk is full; the floor does not look.
 */
import { join } from 'node:path'
import Fastify, { type FastifyReply } from 'fastify'
import {
  crc32c,
  HEADER_BYTES,
  recordLength,
  WIRE_BATCH_CONTENT_TYPE,
  WIRE_HEADER_BYTES,
} from '../../src/record/index.ts'
import { GatheringFile } from './gatheringFile.ts'

interface JsonBody {
  readonly messages: readonly { readonly value: string }[]
  readonly acks: string
}

interface TailMessage {
  readonly offset: number
  readonly timestamp: string
  readonly value: string
  readonly priority: string
}

const BODY_BYTES_MAX = 64 * 1024 * 1024
const TAIL_MESSAGES = 50_000
const CRC_AT = 4
const CRC_FROM = 8
const LENGTH_AT = 28
const UTF8_BYTES_PER_CHAR_MAX = 3

/** Header and value of each message, back to back, each with its checksum. */
export function encode(messages: JsonBody['messages']): Buffer {
  let capacity = 0
  for (const { value } of messages)
    capacity += HEADER_BYTES + value.length * UTF8_BYTES_PER_CHAR_MAX
  const bytes = Buffer.allocUnsafe(capacity)
  let at = 0
  for (const { value } of messages) {
    bytes.fill(0, at, at + HEADER_BYTES)
    const length = bytes.write(value, at + HEADER_BYTES, 'utf8')
    const end = at + HEADER_BYTES + length
    bytes.writeUInt32BE(length, at + LENGTH_AT)
    bytes.writeUInt32BE(crc32c(bytes, at + CRC_FROM, end), at + CRC_AT)
    at = end
  }
  return bytes.subarray(0, at)
}

/** Puts its checksum into every record of a raw batch; how many there are. */
function checksumAll(records: Buffer): number {
  let count = 0
  for (let at = 0; at < records.length; count += 1) {
    const end = at + recordLength(records, at)
    records.writeUInt32BE(crc32c(records, at + CRC_FROM, end), at + CRC_AT)
    at = end
  }
  return count
}

/** The newest messages and the reads that wait for the next. */
class Tail {
  #messages: TailMessage[] = []
  #waiting: { offset: number; reply: FastifyReply }[] = []
  next = 0

  add(values: JsonBody['messages']): void {
    const timestamp = new Date().toISOString()
    for (const { value } of values) {
      this.#messages.push({ offset: this.next, timestamp, value, priority: 'normal' })
      this.next += 1
    }
    if (this.#messages.length > 2 * TAIL_MESSAGES)
      this.#messages = this.#messages.slice(-TAIL_MESSAGES)
    const waiting = this.#waiting
    this.#waiting = []
    for (const { offset, reply } of waiting) this.read(offset, reply)
  }

  read(offset: number, reply: FastifyReply): void {
    if (offset >= this.next) {
      this.#waiting.push({ offset, reply })
      return
    }
    const first = this.#messages[0]?.offset ?? 0
    const messages = this.#messages.slice(offset - first)
    reply
      .type('application/json; charset=utf-8')
      .send(JSON.stringify({ messages, next_offset: this.next, high_watermark: this.next }))
  }

  clear(): void {
    this.#messages = []
    this.next = 0
  }
}

export interface FloorHttpOptions {
  readonly directory: string
  readonly keepTail: boolean
}

export function makeFloorHttp({ directory, keepTail }: FloorHttpOptions) {
  const file = new GatheringFile(join(directory, 'floor.log'))
  const tail = new Tail()
  let stored = 0
  const server = Fastify({ bodyLimit: BODY_BYTES_MAX })
  server.addHook('onClose', async () => file.close())
  server.removeContentTypeParser('application/json')
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (_, body, done) =>
    done(null, JSON.parse(body.toString())),
  )
  server.addContentTypeParser(WIRE_BATCH_CONTENT_TYPE, { parseAs: 'buffer' }, (_, body, done) =>
    done(null, body),
  )

  const answer = (reply: FastifyReply, count: number): void => {
    reply.type('application/json; charset=utf-8').send(`{"offset":${stored},"count":${count}}`)
    stored += count
  }

  server.post<{ Body: Buffer | JsonBody; Querystring: { acks?: string } }>(
    '/topics/:topic/messages',
    (request, reply) => {
      const { body } = request
      if (Buffer.isBuffer(body)) {
        const records = body.subarray(WIRE_HEADER_BYTES)
        const count = checksumAll(records)
        file.append(records, request.query.acks === 'all', () => answer(reply, count))
        return
      }
      file.append(encode(body.messages), body.acks === 'all', () => {
        answer(reply, body.messages.length)
        if (keepTail) tail.add(body.messages)
      })
    },
  )
  server.get<{ Querystring: { offset: string } }>(
    '/topics/:topic/partitions/:partition/messages',
    (request, reply) => tail.read(Number(request.query.offset), reply),
  )
  server.get('/topics/:topic', (_, reply) => reply.send({ total_messages: stored }))
  server.delete('/topics/:topic', (_, reply) => {
    file.clear()
    tail.clear()
    stored = 0
    reply.send({ deleted: true })
  })
  server.post('/topics', (_, reply) => reply.code(201).send({ created: true }))
  return server
}
