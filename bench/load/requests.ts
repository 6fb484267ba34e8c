/** Requests as bytes, made before the clock runs: the same for floor and ours. */
import type { Priority } from '../../src/kernel/priority.ts'
import { BatchBuilder, encodeWireBatch, WIRE_BATCH_CONTENT_TYPE } from '../../src/record/index.ts'

export const TOPIC = 'bench'

export interface PublishShape {
  readonly format: 'json' | 'raw'
  /** Records of one request. */
  readonly batch: number
  readonly valueBytes: number
  readonly acks: 'none' | 'leader' | 'all'
}

export const request = (
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer = Buffer.alloc(0),
): Buffer => {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ]
  if (body.length > 0) lines.push(`content-length: ${body.length}`)
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body])
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789 ABCDEFGHIJKLMNOPQRSTUVWXYZ-'

/** Printable text that differs by seed, so that no two records of a batch are alike. */
export function textOf(bytes: number, seed: number): string {
  let state = (seed * 2_654_435_761 + 1) >>> 0
  let text = ''
  for (let i = 0; i < bytes; i += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    text += LETTERS[state >>> 26]
  }
  return text
}

const valuesOf = (shape: PublishShape, seed: number): string[] =>
  Array.from({ length: shape.batch }, (_, i) => textOf(shape.valueBytes, seed * shape.batch + i))

export interface RecordKind {
  readonly seed?: number
  /** Given to the records in turn. */
  readonly priorities?: readonly Priority[] | undefined
}

/** Records of a batch as a client encodes them, not yet stamped. */
export function recordsOf(
  batch: number,
  valueBytes: number,
  { seed = 0, priorities = [] }: RecordKind = {},
): Buffer {
  const builder = new BatchBuilder(batch * (valueBytes * 3 + 32))
  for (let i = 0; i < batch; i += 1) {
    const value = textOf(valueBytes, seed * batch + i)
    builder.add({ value, priority: priorities[i % priorities.length] })
  }
  return builder.take().bytes
}

export function publishRequest(shape: PublishShape, seed: number, topic = TOPIC): Buffer {
  const path = `/topics/${topic}/messages`
  if (shape.format === 'raw') {
    const bytes = recordsOf(shape.batch, shape.valueBytes, { seed })
    return request(
      'POST',
      `${path}?partition=0&acks=${shape.acks}`,
      { 'content-type': WIRE_BATCH_CONTENT_TYPE },
      encodeWireBatch({ bytes, count: shape.batch }),
    )
  }
  const messages = valuesOf(shape, seed).map((value) => ({ value }))
  const body = Buffer.from(JSON.stringify({ messages, acks: shape.acks }))
  return request('POST', path, { 'content-type': 'application/json' }, body)
}

export interface ReadShape {
  readonly format: 'json' | 'raw'
  readonly offset: number | 'latest'
  readonly limit: number
  readonly maxBytes?: number
  readonly timeoutMs?: number
  readonly partition?: number
  readonly topic?: string
}

export function readRequest(shape: ReadShape): Buffer {
  const topic = shape.topic ?? TOPIC
  let path = `/topics/${topic}/partitions/${shape.partition ?? 0}/messages?offset=${shape.offset}&limit=${shape.limit}`
  if (shape.maxBytes !== undefined) path += `&max_bytes=${shape.maxBytes}`
  if (shape.timeoutMs !== undefined) path += `&timeout=${shape.timeoutMs}ms`
  const accept = shape.format === 'raw' ? WIRE_BATCH_CONTENT_TYPE : 'application/json'
  return request('GET', path, { accept })
}
