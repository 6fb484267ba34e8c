/**
 * Where a reader of a whole topic is, as text that means nothing to it.
 *
 *   base64url( version 1 | position of each partition as LEB128 … | crc32c u32 )
 *
 * The checksum also covers the topic's name: a cursor of another topic, or one that was cut or changed on its
 * way, is refused and never read from a wrong place.
 */
import { LIMITS } from '../../../kernel/limits.ts'
import { crc32c } from '../../../record/index.ts'

const VERSION = 1
const CHECKSUM_BYTES = 4
const LEB128_BYTES_MAX = 8
const BASE64URL = /^[A-Za-z0-9_-]+$/
const CHARS_MAX = Math.ceil(((LIMITS.topicPartitionsMax * LEB128_BYTES_MAX + 5) * 4) / 3)

export function encodeCursor(positions: readonly number[], topic: string): string {
  const bytes = Buffer.allocUnsafe(1 + positions.length * LEB128_BYTES_MAX + CHECKSUM_BYTES)
  bytes[0] = VERSION
  let at = 1
  for (const position of positions) {
    let rest = position
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[at++] = (rest % 0x80) | 0x80
    bytes[at++] = rest
  }
  at = bytes.writeUInt32BE(checksum(bytes.subarray(0, at), topic), at)
  return bytes.toString('base64url', 0, at)
}

/** Undefined where the text is not a cursor for this topic. */
export function decodeCursor(text: string, topic: string): readonly number[] | undefined {
  if (text.length > CHARS_MAX || !BASE64URL.test(text)) return undefined
  const bytes = Buffer.from(text, 'base64url')
  const end = bytes.length - CHECKSUM_BYTES
  if (end < 2 || bytes[0] !== VERSION) return undefined
  if (bytes.readUInt32BE(end) !== checksum(bytes.subarray(0, end), topic)) return undefined
  const positions: number[] = []
  let position = 0
  let factor = 1
  for (const byte of bytes.subarray(1, end)) {
    position += (byte & 0x7f) * factor
    factor *= 0x80
    if (byte >= 0x80) continue
    positions.push(position)
    position = 0
    factor = 1
  }
  const isWhole = factor === 1 && positions.every(Number.isSafeInteger)
  return isWhole && positions.length <= LIMITS.topicPartitionsMax ? positions : undefined
}

const checksum = (bytes: Buffer, topic: string): number =>
  crc32c(Buffer.concat([bytes, Buffer.from(topic)]))
