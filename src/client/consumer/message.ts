/**
 * What a handler is given: a view of one record in the bytes that came from the broker. Nothing is decoded before it
 * is asked for. A message keeps the whole reply it came with in memory, up to `fetchBytes`: who keeps messages for
 * long copies what it needs of them.
 */
import { inspect } from 'node:util'
import { type PriorityName, priorityName } from '../../kernel/priority.ts'
import {
  isTombstone,
  originAt,
  originDueMs,
  recordHeaders,
  recordKeyStart,
  recordLength,
  recordOffset,
  recordPriority,
  recordTimestampMs,
  recordValueStart,
} from '../../record/index.ts'

/** Where messages come from. */
export interface MessageSource {
  readonly topic: string
  readonly partition: number
  readonly bytes: Buffer
}

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({})

export class ConsumedMessage {
  readonly #source: MessageSource
  readonly #at: number

  constructor(source: MessageSource, at: number) {
    this.#source = source
    this.#at = at
  }

  get topic(): string {
    return this.#source.topic
  }

  get partition(): number {
    return this.#source.partition
  }

  get offset(): number {
    return recordOffset(this.#source.bytes, this.#at)
  }

  /** The broker's time of the append, in milliseconds since 1970. */
  get timestamp(): number {
    return recordTimestampMs(this.#source.bytes, this.#at)
  }

  /** The time for which it was kept, in milliseconds since 1970; undefined where it was not delayed. */
  get deliverAt(): number | undefined {
    const { bytes } = this.#source
    const origin = originAt(bytes, this.#at)
    return origin < 0 ? undefined : originDueMs(bytes, origin)
  }

  get priority(): PriorityName {
    return priorityName(recordPriority(this.#source.bytes, this.#at))
  }

  /** Undefined where there is none. A view into the bytes that came. */
  get key(): Buffer | undefined {
    const { bytes } = this.#source
    const start = recordKeyStart(bytes, this.#at)
    const end = recordValueStart(bytes, this.#at)
    return end === start ? undefined : bytes.subarray(start, end)
  }

  /** Null for a tombstone. A view into the bytes that came. */
  get value(): Buffer | null {
    const { bytes } = this.#source
    if (isTombstone(bytes, this.#at)) return null
    return bytes.subarray(recordValueStart(bytes, this.#at), this.#end)
  }

  get headers(): Readonly<Record<string, string>> {
    return recordHeaders(this.#source.bytes, this.#at) ?? NO_HEADERS
  }

  /** The value as UTF-8; empty for a tombstone. */
  text(): string {
    const { bytes } = this.#source
    return bytes.toString('utf8', recordValueStart(bytes, this.#at), this.#end)
  }

  /** The key as UTF-8; undefined where there is none. */
  keyText(): string | undefined {
    return this.key?.toString()
  }

  /** The value parsed as JSON; null for a tombstone. Throws a SyntaxError where it is no JSON. */
  json(): unknown {
    return this.value === null ? null : JSON.parse(this.text())
  }

  /** As it is logged and put into JSON: key and value as text. */
  toJSON(): Record<string, unknown> {
    const { topic, partition, offset, timestamp, priority, headers } = this
    const key = this.keyText()
    const value = this.value === null ? null : this.text()
    return { topic, partition, offset, timestamp, priority, key, value, headers }
  }

  [inspect.custom](): Record<string, unknown> {
    return this.toJSON()
  }

  get #end(): number {
    return this.#at + recordLength(this.#source.bytes, this.#at)
  }
}
