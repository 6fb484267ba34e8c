/**
 * floor-read: answers every read with the same bytes, in a process of its own.
 *
 *   raw    one chunk of whole, stamped, checksummed records, made at start and sent as it is
 *   JSON   the same page of message objects, made at start, through JSON.stringify for every reply
 *
 * No log, no file, no offsets: `offset` is not looked at. What is left is bare fastify and the bytes.
 */
import Fastify from 'fastify'
import {
  BatchBuilder,
  recordLength,
  stampRecord,
  WIRE_BATCH_CONTENT_TYPE,
} from '../../src/record/index.ts'
import { textOf } from '../load/requests.ts'

export interface FloorReadOptions {
  /** Records of one raw reply. */
  readonly rawRecords: number
  /** Messages of one JSON reply. */
  readonly jsonMessages: number
  readonly valueBytes: number
}

export function stampedRecords(count: number, valueBytes: number): Buffer {
  const builder = new BatchBuilder(count * (valueBytes * 3 + 32))
  for (let i = 0; i < count; i += 1) builder.add({ value: textOf(valueBytes, i) })
  const { bytes } = builder.take()
  const timestampMs = Date.now()
  let at = 0
  for (let offset = 0; offset < count; offset += 1) {
    const length = recordLength(bytes, at)
    stampRecord(bytes, at, length, { offset, timestampMs, more: false })
    at += length
  }
  return bytes
}

export function makeFloorRead(options: FloorReadOptions) {
  const raw = stampedRecords(options.rawRecords, options.valueBytes)
  const timestamp = new Date().toISOString()
  const messages = Array.from({ length: options.jsonMessages }, (_, offset) => ({
    offset,
    timestamp,
    value: textOf(options.valueBytes, offset),
    priority: 'normal',
  }))
  const page = { messages, next_offset: messages.length, high_watermark: messages.length }
  const server = Fastify()
  server.get('/topics/:topic/partitions/:partition/messages', (request, reply) => {
    if (request.headers.accept === WIRE_BATCH_CONTENT_TYPE) {
      reply.type(WIRE_BATCH_CONTENT_TYPE).send(raw)
      return
    }
    reply.type('application/json; charset=utf-8').send(JSON.stringify(page))
  })
  return server
}
