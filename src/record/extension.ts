/**
 * The extension block of a record: what most records do not carry.
 *
 *   block   = length u32 (of the sections behind it) | section…
 *   section = type u8 | length u24 | body
 *
 *   1 headers   count u16, then per header: name length u16 | name | value length u32 | value
 *   2 producer  producer id u64 | epoch u16 | sequence u32        (idempotent producers)
 *   3 origin    partition u32 | offset u64 | due u64              (a delayed message: where it waited, until when)
 *
 * Sections stand in ascending order of type, each at most once. A section of an unknown type is refused in
 * what a client sends and passed over in what lies on disk, so that an older broker can read a newer log.
 */
import { BrokerError } from '../kernel/errors.ts'
import { LIMITS } from '../kernel/limits.ts'
import { putU16, putU32, putU64, u16, u32, u64 } from './layout.ts'

export type RecordHeaders = Readonly<Record<string, string>>

export interface ProducerMark {
  readonly producerId: number
  readonly epoch: number
  readonly sequence: number
}

export interface RecordOrigin {
  readonly partition: number
  readonly offset: number
  readonly dueMs: number
}

export interface Extension {
  readonly headers?: RecordHeaders
  readonly producer?: ProducerMark
  readonly origin?: RecordOrigin
}

export const SECTION = { HEADERS: 1, PRODUCER: 2, ORIGIN: 3 } as const
const LAST_SECTION = SECTION.ORIGIN
/** Body of a producer section. */
export const PRODUCER_BYTES = 14
const ORIGIN_BYTES = 20

/** The block's bytes, its own length first; undefined where there is nothing to carry. */
export function encodeExtension(extension: Extension): Buffer | undefined {
  const sections: Buffer[] = []
  if (extension.headers && Object.keys(extension.headers).length > 0) {
    sections.push(section(SECTION.HEADERS, encodeHeaders(extension.headers)))
  }
  if (extension.producer)
    sections.push(section(SECTION.PRODUCER, encodeProducer(extension.producer)))
  if (extension.origin) sections.push(section(SECTION.ORIGIN, encodeOrigin(extension.origin)))
  if (sections.length === 0) return undefined
  const body = Buffer.concat(sections)
  const length = Buffer.allocUnsafe(4)
  putU32(length, 0, body.length)
  return Buffer.concat([length, body])
}

function section(type: number, body: Buffer): Buffer {
  const head = Buffer.allocUnsafe(4)
  putU32(head, 0, body.length)
  head[0] = type
  return Buffer.concat([head, body])
}

function encodeHeaders(headers: RecordHeaders): Buffer {
  const entries = Object.entries(headers)
  if (entries.length > LIMITS.recordHeadersMax) {
    throw new BrokerError('INVALID_REQUEST', `more than ${LIMITS.recordHeadersMax} headers`)
  }
  const parts: Buffer[] = []
  const count = Buffer.allocUnsafe(2)
  putU16(count, 0, entries.length)
  parts.push(count)
  for (const [name, value] of entries) {
    const nameBytes = Buffer.from(name)
    const valueBytes = Buffer.from(value)
    const lengths = Buffer.allocUnsafe(6)
    putU16(lengths, 0, nameBytes.length)
    putU32(lengths, 2, valueBytes.length)
    parts.push(lengths.subarray(0, 2), nameBytes, lengths.subarray(2), valueBytes)
  }
  const bytes = Buffer.concat(parts)
  if (bytes.length > LIMITS.recordHeadersBytesMax) {
    throw new BrokerError(
      'RECORD_TOO_LARGE',
      `headers of ${bytes.length} bytes, at most ${LIMITS.recordHeadersBytesMax}`,
    )
  }
  return bytes
}

function encodeProducer(mark: ProducerMark): Buffer {
  const bytes = Buffer.allocUnsafe(PRODUCER_BYTES)
  putProducer(bytes, 0, mark)
  return bytes
}

/** Writes the body of a producer section. */
export function putProducer(bytes: Buffer, at: number, mark: ProducerMark): void {
  putU64(bytes, at, mark.producerId)
  putU16(bytes, at + 8, mark.epoch)
  putU32(bytes, at + 10, mark.sequence)
}

function encodeOrigin(origin: RecordOrigin): Buffer {
  const bytes = Buffer.allocUnsafe(ORIGIN_BYTES)
  putU32(bytes, 0, origin.partition)
  putU64(bytes, 4, origin.offset)
  putU64(bytes, 12, origin.dueMs)
  return bytes
}

/** Reads the block at `at`, whose form {@link extensionProblem} has found good. */
export function decodeExtension(bytes: Buffer, at: number): Extension {
  const end = at + 4 + u32(bytes, at)
  const extension: { -readonly [K in keyof Extension]: Extension[K] } = {}
  let p = at + 4
  while (p < end) {
    const length = u32(bytes, p) & 0xff_ffff
    const body = p + 4
    if (bytes[p] === SECTION.HEADERS) extension.headers = decodeHeaders(bytes, body)
    if (bytes[p] === SECTION.PRODUCER) {
      extension.producer = {
        producerId: u64(bytes, body),
        epoch: u16(bytes, body + 8),
        sequence: u32(bytes, body + 10),
      }
    }
    if (bytes[p] === SECTION.ORIGIN) {
      extension.origin = {
        partition: u32(bytes, body),
        offset: u64(bytes, body + 4),
        dueMs: u64(bytes, body + 12),
      }
    }
    p = body + length
  }
  return extension
}

function decodeHeaders(bytes: Buffer, at: number): RecordHeaders {
  const headers: Record<string, string> = Object.create(null)
  let p = at + 2
  for (let left = u16(bytes, at); left > 0; left -= 1) {
    const nameEnd = p + 2 + u16(bytes, p)
    const valueEnd = nameEnd + 4 + u32(bytes, nameEnd)
    headers[bytes.toString('utf8', p + 2, nameEnd)] = bytes.toString('utf8', nameEnd + 4, valueEnd)
    p = valueEnd
  }
  return { ...headers }
}

/**
 * Why the block at `at`, which must end at or before `limit`, is not one; undefined when it is well formed.
 * `strict` also refuses sections of unknown types.
 */
export function extensionProblem(
  bytes: Buffer,
  at: number,
  limit: number,
  strict: boolean,
): string | undefined {
  if (at + 4 > limit) return 'extension block without a length'
  const end = at + 4 + u32(bytes, at)
  if (end > limit) return 'extension block longer than its record'
  let previousType = 0
  let p = at + 4
  while (p < end) {
    if (p + 4 > end) return 'torn extension section'
    const type = bytes[p] as number
    const sectionEnd = p + 4 + (u32(bytes, p) & 0xff_ffff)
    if (sectionEnd > end) return 'extension section longer than its block'
    if (type <= previousType) return 'extension sections out of order'
    if (strict && type > LAST_SECTION) return `unknown extension section ${type}`
    const problem = sectionProblem(bytes, type, p + 4, sectionEnd)
    if (problem !== undefined) return problem
    previousType = type
    p = sectionEnd
  }
  return undefined
}

function sectionProblem(
  bytes: Buffer,
  type: number,
  start: number,
  end: number,
): string | undefined {
  if (type === SECTION.HEADERS) return headersProblem(bytes, start, end)
  if (type === SECTION.PRODUCER) {
    if (end - start !== PRODUCER_BYTES) return 'producer section of a wrong size'
    if (!isSafe(bytes, start)) return 'producer id out of range'
  }
  if (type === SECTION.ORIGIN) {
    if (end - start !== ORIGIN_BYTES) return 'origin section of a wrong size'
    if (!isSafe(bytes, start + 4) || !isSafe(bytes, start + 12)) return 'origin out of range'
  }
  return undefined
}

/** True where the uint64 at `at` is a number that JavaScript holds exactly. */
const isSafe = (bytes: Buffer, at: number): boolean => Number.isSafeInteger(u64(bytes, at))

function headersProblem(bytes: Buffer, start: number, end: number): string | undefined {
  if (end - start < 2) return 'headers section without a count'
  if (end - start > LIMITS.recordHeadersBytesMax) return 'headers section too large'
  const count = u16(bytes, start)
  if (count > LIMITS.recordHeadersMax) return 'too many headers'
  let p = start + 2
  for (let left = count; left > 0; left -= 1) {
    if (p + 2 > end) return 'torn header'
    const nameEnd = p + 2 + u16(bytes, p)
    if (nameEnd + 4 > end) return 'torn header'
    p = nameEnd + 4 + u32(bytes, nameEnd)
    if (p > end) return 'torn header'
  }
  return p === end ? undefined : 'headers section of a wrong size'
}
