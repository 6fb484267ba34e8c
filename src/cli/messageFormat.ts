/**
 * How a message is written: `text` for people, `json` for programs (the fields of the HTTP contract), `value`
 * for its value alone, or a template such as `{key}={value}`.
 */
import { isUtf8 } from 'node:buffer'
import type { DecodedRecord } from '../client/index.ts'
import { priorityName } from '../kernel/priority.ts'
import { UsageError } from './failureReport.ts'
import type { Output } from './output.ts'

export interface MessageOrigin {
  readonly topic: string
  readonly partition: number
  /** Of a message that was leased. */
  readonly receipt?: string
  readonly deliveryCount?: number
}

/** One message with its line end. */
export type MessageFormat = (record: DecodedRecord, origin: MessageOrigin) => string | Buffer

const FIELDS: Readonly<Record<string, (record: DecodedRecord, origin: MessageOrigin) => string>> = {
  topic: (_, { topic }) => topic,
  partition: (_, { partition }) => String(partition),
  offset: ({ offset }) => String(offset),
  timestamp: ({ timestampMs }) => timeText(timestampMs),
  key: ({ key }) => key?.toString() ?? '',
  value: ({ value }) => value?.toString() ?? '',
  priority: ({ priority }) => priorityName(priority),
  headers: ({ extension }) => JSON.stringify(extension?.headers ?? {}),
  receipt: (_, { receipt = '' }) => receipt,
  delivery_count: (_, { deliveryCount }) => String(deliveryCount ?? ''),
}

export interface FormatOptions {
  readonly colours: Output['colours']
  /** Names the topic of each message too: there may be several. Default false. */
  readonly showsTopic?: boolean
}

/** Throws a UsageError where `name` is no format. */
export function messageFormat(name: string, options: FormatOptions): MessageFormat {
  if (name === 'json') return jsonLine(options)
  if (name === 'value') return valueLine
  if (name === 'text') return textLine(options)
  if (name.includes('{')) return template(name)
  throw new UsageError(`--output must be text, json, value or a template, not "${name}"`)
}

const timeText = (timestampMs: number): string => new Date(timestampMs).toISOString()

/** The message as the HTTP contract has it, with its partition. */
function messageObject(record: DecodedRecord): object {
  const { key, value } = record
  const headers = record.extension?.headers
  const isText = (key === undefined || isUtf8(key)) && (value === null || isUtf8(value))
  const encoding = isText ? 'utf8' : 'base64'
  return {
    offset: record.offset,
    timestamp: timeText(record.timestampMs),
    ...(key === undefined ? {} : { key: key.toString(encoding) }),
    value: value === null ? null : value.toString(encoding),
    priority: priorityName(record.priority),
    ...(headers === undefined ? {} : { headers }),
    ...(isText ? {} : { encoding }),
  }
}

const jsonLine =
  ({ showsTopic = false }: FormatOptions): MessageFormat =>
  (record, { topic, partition, receipt: receipt_handle, deliveryCount: delivery_count }) => {
    const place = showsTopic ? { topic, partition } : { partition }
    return `${JSON.stringify({ ...place, ...messageObject(record), receipt_handle, delivery_count })}\n`
  }

const LINE_END = Buffer.from('\n')

const valueLine: MessageFormat = ({ value }) =>
  value === null ? LINE_END : Buffer.concat([value, LINE_END])

const textLine =
  ({ colours: { dim, cyan }, showsTopic = false }: FormatOptions): MessageFormat =>
  ({ key, value, offset, timestampMs }, { topic, partition }) => {
    const place = `${showsTopic ? `${topic}/` : ''}${partition}/${offset}`
    const shownKey = key === undefined ? '' : `  ${cyan(key.toString())}`
    const shownValue = value === null ? dim('(null)') : value.toString()
    return `${dim(`${timeText(timestampMs)}  ${place}`)}${shownKey}  ${shownValue}\n`
  }

const ESCAPES: Readonly<Record<string, string>> = { '\\n': '\n', '\\t': '\t', '\\0': '\0' }

function template(text: string): MessageFormat {
  const parts = text
    .replace(/\\[nt0]/g, (sequence) => ESCAPES[sequence] ?? sequence)
    .split(/(\{\w+\})/)
    .map((part) => (/^\{\w+\}$/.test(part) ? fieldOf(part.slice(1, -1)) : () => part))
  return (record, origin) => `${parts.map((part) => part(record, origin)).join('')}\n`
}

function fieldOf(name: string) {
  const read = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined
  if (read !== undefined) return read
  throw new UsageError(`{${name}} is no field: ${Object.keys(FIELDS).join(', ')} are`)
}
