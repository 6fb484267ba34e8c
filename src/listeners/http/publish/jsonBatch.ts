/**
 * From the bytes of a JSON publish straight to the bytes of a batch, in one pass, without a string or an object
 * for a message. It takes the usual request only and leaves the rest to `parsePublish`:
 *
 *   {"messages": [{"key": "…", "value": "…" | null, "partition": 1, "priority": "high" | 1}, …], "acks": "…"}
 *
 * in any order and spacing, each name once, the same partition or none in all messages, strings with the short
 * escapes but without \u. For everything else, wrong or right, the answer is undefined: what is refused, and with
 * what words, is said in one place only. What is taken means exactly what JSON.parse would have made of it.
 */
import { isUtf8 } from 'node:buffer'
import { LIMITS } from '../../../kernel/limits.ts'
import { NORMAL_PRIORITY, type Priority, parsePriority } from '../../../kernel/priority.ts'
import { KiB, MiB } from '../../../kernel/units.ts'
import {
  HEADER_BYTES,
  headFits,
  putRecordHead,
  type RecordBatch,
  type RecordHead,
  recordLength,
  recordPriority,
} from '../../../record/index.ts'
import { type Acks, acksOf } from './acks.ts'
import { BYTE, JsonBytes } from './jsonBytes.ts'

export interface JsonBatch {
  readonly batch: RecordBatch
  readonly acks: Acks | undefined
  /** Named by all messages, or by none. */
  readonly partition: number | undefined
  /** Of each message, or one for all of them. */
  readonly priorities: Uint8Array | Priority
}

const NAME = {
  MESSAGES: Buffer.from('messages'),
  ACKS: Buffer.from('acks'),
  KEY: Buffer.from('key'),
  VALUE: Buffer.from('value'),
  PARTITION: Buffer.from('partition'),
  PRIORITY: Buffer.from('priority'),
}
const NULL = Buffer.from('null')
const SEEN = { KEY: 1, VALUE: 2, PARTITION: 4, PRIORITY: 8 }
const NO_PARTITION = -1
const ASCII_MAX = 0x7f
const SCRATCH_BYTES = 256 * KiB
const SCRATCH_BYTES_KEPT = 4 * MiB

class JsonBatchReader extends JsonBytes {
  #count = 0
  #acks: Acks | undefined
  #partition = NO_PARTITION
  #priority: Priority = NORMAL_PRIORITY
  #isMixed = false
  /** Of the message that is being read; one object for all. */
  readonly #head: RecordHead = { priority: 2, keyBytes: 0, valueBytes: 0, nullValue: false }
  #seenFields = 0
  #messagePartition = NO_PARTITION

  read(body: Buffer): JsonBatch | undefined {
    this.source = body
    this.words.between(body, this.out)
    this.at = 0
    this.filled = 0
    this.seen = 0
    this.#count = 0
    this.#acks = undefined
    this.#isMixed = false
    const result = this.#readBody() ? this.#result() : undefined
    this.source = NOTHING
    if (this.out.length > SCRATCH_BYTES_KEPT) this.out = NOTHING
    return result
  }

  #result(): JsonBatch | undefined {
    const isAscii = this.seen <= ASCII_MAX && !this.words.sawMoreThanAscii
    if (!isAscii && !isUtf8(this.source)) return undefined
    const bytes = Buffer.allocUnsafe(this.filled)
    this.out.copy(bytes, 0, 0, this.filled)
    const batch = { bytes, count: this.#count }
    return {
      batch,
      acks: this.#acks,
      partition: this.#partition === NO_PARTITION ? undefined : this.#partition,
      priorities: this.#isMixed ? prioritiesOf(batch) : this.#priority,
    }
  }

  #readBody(): boolean {
    if (!this.take(BYTE.OPEN_BRACE)) return false
    do {
      if (!this.takeName() || !this.#readMember()) return false
    } while (this.take(BYTE.COMMA))
    return this.#count > 0 && this.take(BYTE.CLOSE_BRACE) && this.peek() === undefined
  }

  #readMember(): boolean {
    if (this.nameIs(NAME.MESSAGES)) return this.#count === 0 && this.#readMessages()
    if (!this.nameIs(NAME.ACKS) || this.#acks !== undefined) return false
    this.#acks = acksOf(this.takeWord())
    return this.#acks !== undefined
  }

  #readMessages(): boolean {
    if (!this.take(BYTE.OPEN_BRACKET)) return false
    do {
      if (this.#count === LIMITS.batchRecordsMax || !this.#readMessage()) return false
      this.#count += 1
    } while (this.take(BYTE.COMMA))
    return this.take(BYTE.CLOSE_BRACKET)
  }

  #readMessage(): boolean {
    if (!this.take(BYTE.OPEN_BRACE)) return false
    this.#reserve()
    const start = this.filled
    const head = this.#head
    head.priority = NORMAL_PRIORITY
    head.keyBytes = 0
    head.valueBytes = 0
    head.nullValue = false
    this.#seenFields = 0
    this.#messagePartition = NO_PARTITION
    this.filled += HEADER_BYTES
    do {
      if (!this.takeName() || !this.#readField()) return false
    } while (this.take(BYTE.COMMA))
    if (!this.take(BYTE.CLOSE_BRACE)) return false
    if ((this.#seenFields & SEEN.VALUE) === 0 || !headFits(head)) return false
    putRecordHead(this.out, start, head)
    return this.#agree(head.priority)
  }

  /** False where a message names another partition than the one before it; other priorities are only noted. */
  #agree(priority: Priority): boolean {
    if (this.#count === 0) {
      this.#partition = this.#messagePartition
      this.#priority = priority
      return true
    }
    if (priority !== this.#priority) this.#isMixed = true
    return this.#messagePartition === this.#partition
  }

  #readField(): boolean {
    if (this.nameIs(NAME.VALUE)) return this.#isFirst(SEEN.VALUE) && this.#readValue()
    if (this.nameIs(NAME.KEY)) return this.#isFirst(SEEN.KEY) && this.#readKey()
    if (this.nameIs(NAME.PARTITION)) {
      this.#messagePartition = this.takeInteger()
      return this.#isFirst(SEEN.PARTITION) && this.#messagePartition !== NO_PARTITION
    }
    if (!this.nameIs(NAME.PRIORITY) || !this.#isFirst(SEEN.PRIORITY)) return false
    const isWord = this.peek() === BYTE.QUOTE
    const priority = parsePriority(isWord ? this.takeWord() : this.takeInteger())
    if (priority === undefined) return false
    this.#head.priority = priority
    return true
  }

  #isFirst(field: number): boolean {
    const isNew = (this.#seenFields & field) === 0
    this.#seenFields |= field
    return isNew
  }

  #readValue(): boolean {
    if (this.peek() !== BYTE.QUOTE) {
      this.#head.nullValue = this.takeLiteral(NULL)
      return this.#head.nullValue
    }
    const length = this.copyText()
    this.#head.valueBytes = length
    return length >= 0
  }

  /** A key that comes behind its value is moved in front of it, where the record has it. */
  #readKey(): boolean {
    const valueBytes = this.#head.valueBytes
    const valueStart = this.filled - valueBytes
    const length = this.copyText()
    if (length < 0) return false
    this.#head.keyBytes = length
    if (valueBytes > 0 && length > 0) {
      this.out.copyWithin(this.filled, valueStart, valueStart + valueBytes)
      this.out.copyWithin(valueStart, valueStart + valueBytes, this.filled + valueBytes)
    }
    return true
  }

  /** Room for one more record, were all that is left of the source its text, and for moving it. */
  #reserve(): void {
    const needed = this.filled + HEADER_BYTES + 2 * (this.source.length - this.at)
    if (needed <= this.out.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, 2 * this.out.length, SCRATCH_BYTES))
    this.out.copy(grown, 0, 0, this.filled)
    this.out = grown
    this.words.to(grown)
  }
}

const NOTHING = Buffer.alloc(0)

function prioritiesOf({ bytes, count }: RecordBatch): Uint8Array {
  const priorities = new Uint8Array(count)
  for (let at = 0, i = 0; i < count; i += 1) {
    priorities[i] = recordPriority(bytes, at)
    at += recordLength(bytes, at)
  }
  return priorities
}

const reader = new JsonBatchReader()

/** Undefined where the body is not of the usual form. Not to be entered twice at once: it never waits. */
export const readJsonBatch = (body: Buffer): JsonBatch | undefined => reader.read(body)
