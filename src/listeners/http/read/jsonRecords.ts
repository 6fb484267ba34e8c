/**
 * Records as JSON, written byte by byte from the log's own bytes: no string, object or parse in between. Every
 * checksum is verified before its record goes out; control records are passed over.
 *
 * Text is copied, with what JSON wants escaped; a record whose key or value is not UTF-8 has both as base64 and
 * says so. Records of 100 B: 0.4 µs each without the checksum, by JSON.stringify of objects 0.8 µs.
 */
import { isUtf8 } from 'node:buffer'
import { formatTime } from '../../../api/index.ts'
import { BrokerError } from '../../../kernel/errors.ts'
import { PRIORITIES } from '../../../kernel/priority.ts'
import { KiB } from '../../../kernel/units.ts'
import {
  AT_FLAGS,
  checksumMatches,
  decodeRecord,
  FLAG,
  HEADER_BYTES,
  recordKeyBytes,
  recordLength,
  recordOffset,
  recordPriority,
  recordProblem,
  recordTimestampMs,
} from '../../../record/index.ts'
import { HTTP_LIMITS } from '../options.ts'
import { JsonOutput } from './jsonOutput.ts'

const literal = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text))

const OPEN = literal('{"messages":[')
const PARTITION = literal('{"partition":')
const OFFSET_AFTER_PARTITION = literal(',"offset":')
const OFFSET = literal('{"offset":')
const TIMESTAMP = literal(',"timestamp":"')
const KEY = literal(',"key":"')
const VALUE = literal(',"value":"')
const NULL_VALUE = literal(',"value":null')
const QUOTE = literal('"')
const BASE64 = literal(',"encoding":"base64"')
const HEADERS = literal(',"headers":')
const [COMMA, CLOSE] = [literal(','), literal('}')]
const PRIORITY = PRIORITIES.map((word) => literal(`,"priority":"${word}"`))

/** All of the above together, with room for numbers. */
const LITERAL_BYTES_MAX = 256
const NO_PARTITION = -1

/** A reply as large as this goes out of the memory that it was written to, which is then lent to it. */
const LENT_BYTES_MIN = 32 * KiB
const SPARES_MAX = 4

let output = new JsonOutput()
const spares: JsonOutput[] = []
let timeMs = Number.NaN
let timeText = literal('')

/** Where key and value of the record at hand lie. */
interface Parts {
  isNull: boolean
  keyStart: number
  valueStart: number
  end: number
}

/** Begins a page of messages; ended by {@link endPage}. One at a time: what is between does not wait. */
export function beginPage(): void {
  output.rewind(0)
  output.reserve(LITERAL_BYTES_MAX, 0)
  output.put(OPEN)
}

export interface PageSource {
  /** Whole records. */
  readonly bytes: Buffer
  /** Where to go on behind them all. */
  readonly nextOffset: number
  /** Written to each message where it is given. */
  readonly partition?: number
  /** Of a poll; instead of the partition alone. */
  readonly delivery?: DeliveryText
}

/** What a poll says of each record: JSON before and behind it, the latter around its offset. */
export interface DeliveryText {
  /** `{"topic":"orders","partition":0` */
  readonly open: Uint8Array
  /** `,"receipt_handle":"billing:orders:0:` */
  readonly receipt: Uint8Array
  /** `:1:9f2c61d0","delivery_count":1` */
  readonly rest: Uint8Array
}

export const deliveryText = (
  parts: Readonly<Record<keyof DeliveryText, string>>,
): DeliveryText => ({
  open: literal(parts.open),
  receipt: literal(parts.receipt),
  rest: literal(parts.rest),
})

/**
 * Adds messages to the page and returns where to go on: behind them all, or behind the last one that the page has
 * room for. Throws LOG_CORRUPT where a record is not what was stored; the page is then lost.
 */
export function addToPage(source: PageSource): number {
  const { bytes, nextOffset, partition = NO_PARTITION, delivery } = source
  output.from(bytes)
  for (let at = 0; at < bytes.length; at += recordLength(bytes, at)) {
    const problem = recordProblem(bytes, at, bytes.length) ?? checksumProblem(bytes, at)
    if (problem !== undefined) throw new BrokerError('LOG_CORRUPT', `a stored record: ${problem}`)
    if (((bytes[at + AT_FLAGS] as number) & FLAG.CONTROL) !== 0) continue
    if (output.length > OPEN.length) {
      if (output.length + recordLength(bytes, at) > HTTP_LIMITS.jsonReplyBytesMax) {
        return recordOffset(bytes, at)
      }
      output.put(COMMA)
    }
    if (delivery === undefined) putMessage(bytes, at, partition)
    else putDelivery(bytes, at, delivery)
  }
  return nextOffset
}

/** The body of a reply. It must be released when the reply is closed, not sooner; nobody is harmed where it never is. */
export interface JsonPage {
  readonly body: Buffer
  readonly release: () => void
}

/** The page with `rest` behind its messages: `],"next_offset":…}`. */
export function endPage(rest: string): JsonPage {
  output.putText(rest)
  if (output.length < LENT_BYTES_MIN) return { body: output.take(), release: nothing }
  const lent = output
  output = spares.pop() ?? new JsonOutput()
  return { body: lent.view(), release: () => takeBack(lent) }
}

function takeBack(lent: JsonOutput): void {
  if (spares.length < SPARES_MAX && lent.isKept && !spares.includes(lent)) spares.push(lent)
}

const nothing = (): void => undefined

const checksumProblem = (bytes: Buffer, at: number): string | undefined =>
  checksumMatches(bytes, at) ? undefined : 'wrong checksum'

function putMessage(bytes: Buffer, at: number, partition: number): void {
  output.reserve(LITERAL_BYTES_MAX, recordLength(bytes, at))
  if (partition === NO_PARTITION) output.put(OFFSET)
  else {
    output.put(PARTITION)
    output.putInteger(partition)
    output.put(OFFSET_AFTER_PARTITION)
  }
  putRecord(bytes, at)
  output.put(CLOSE)
}

function putDelivery(bytes: Buffer, at: number, { open, receipt, rest }: DeliveryText): void {
  const ownBytes = open.length + receipt.length + rest.length
  output.reserve(LITERAL_BYTES_MAX + ownBytes, recordLength(bytes, at))
  output.put(open)
  output.put(OFFSET_AFTER_PARTITION)
  putRecord(bytes, at)
  output.reserve(LITERAL_BYTES_MAX + ownBytes, 0)
  output.put(receipt)
  output.putInteger(recordOffset(bytes, at))
  output.put(rest)
  output.put(CLOSE)
}

/** From its offset on, without the end. */
function putRecord(bytes: Buffer, at: number): void {
  output.putInteger(recordOffset(bytes, at))
  output.put(TIMESTAMP)
  putTime(recordTimestampMs(bytes, at))
  output.put(QUOTE)
  const flags = bytes[at + AT_FLAGS] as number
  const parts = partsOf(bytes, at, flags)
  const start = output.length
  if (!putText(bytes, parts)) {
    output.rewind(start)
    putBase64(bytes, parts)
  }
  output.put(PRIORITY[recordPriority(bytes, at)] as Uint8Array)
  if ((flags & FLAG.EXTENSION) !== 0) putHeaders(bytes, at)
  // Room for what follows, also where headers made the message longer than it was reckoned.
  output.reserve(LITERAL_BYTES_MAX, 0)
}

function partsOf(bytes: Buffer, at: number, flags: number): Parts {
  const end = at + recordLength(bytes, at)
  let keyStart = at + HEADER_BYTES
  if ((flags & FLAG.EXTENSION) !== 0) keyStart += 4 + bytes.readUInt32BE(keyStart)
  const valueStart = keyStart + recordKeyBytes(bytes, at)
  return { isNull: (flags & FLAG.NULL_VALUE) !== 0, keyStart, valueStart, end }
}

function putTime(recordTimeMs: number): void {
  if (recordTimeMs !== timeMs) {
    timeMs = recordTimeMs
    timeText = literal(formatTime(recordTimeMs))
  }
  output.put(timeText)
}

/** False where key or value are not UTF-8. */
function putText(bytes: Buffer, { isNull, keyStart, valueStart, end }: Parts): boolean {
  let isAscii = true
  if (valueStart > keyStart) {
    output.put(KEY)
    isAscii = output.putString(keyStart, valueStart)
    output.put(QUOTE)
  }
  if (isNull) output.put(NULL_VALUE)
  else {
    output.put(VALUE)
    isAscii = output.putString(valueStart, end) && isAscii
    output.put(QUOTE)
  }
  if (isAscii) return true
  return isUtf8(bytes.subarray(keyStart, valueStart)) && isUtf8(bytes.subarray(valueStart, end))
}

function putBase64(bytes: Buffer, { isNull, keyStart, valueStart, end }: Parts): void {
  if (valueStart > keyStart) {
    output.putText(`,"key":"${bytes.toString('base64', keyStart, valueStart)}"`)
  }
  if (isNull) output.put(NULL_VALUE)
  else output.putText(`,"value":"${bytes.toString('base64', valueStart, end)}"`)
  output.reserve(LITERAL_BYTES_MAX, 0)
  output.put(BASE64)
}

function putHeaders(bytes: Buffer, at: number): void {
  const headers = decodeRecord(bytes, at).extension?.headers
  if (headers === undefined) return
  output.reserve(LITERAL_BYTES_MAX, 0)
  output.put(HEADERS)
  output.putText(JSON.stringify(headers))
}
