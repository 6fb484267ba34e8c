/** JSON text as bytes, in one buffer that grows; `take` copies the result out, the buffer stays for the next. */
import { KiB, MiB } from '../../../kernel/units.ts'
import { PlainWords } from '../plainWords.ts'

const FIRST_BYTES = 256 * KiB
const KEPT_BYTES = 4 * MiB
const ZERO = 0x30
const POINT = 0x2e
const ESCAPED_BYTES_MAX = 6

/** What a byte becomes in a string: 0 itself, 1 `\u00xx`, else a backslash and this. */
const ESCAPE = new Uint8Array(256).fill(1, 0, 0x20)
for (const [byte, letter] of [
  [8, 'b'],
  [9, 't'],
  [10, 'n'],
  [12, 'f'],
  [13, 'r'],
  [0x22, '"'],
  [0x5c, '\\'],
] as const) {
  ESCAPE[byte] = letter.charCodeAt(0)
}
const HEX = Buffer.from('0123456789abcdef')
const BACKSLASH = 0x5c
const ASCII_MAX = 0x7f
const WORD_BYTES = 4

export class JsonOutput {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES)
  #source: Uint8Array = this.#bytes
  readonly #words = new PlainWords()
  #length = 0

  get length(): number {
    return this.#length
  }

  /** False where it has grown so large that its memory is better given up. */
  get isKept(): boolean {
    return this.#bytes.length <= KEPT_BYTES
  }

  /** Forgets what was written from `length` on. */
  rewind(length: number): void {
    this.#length = length
  }

  /** Room for `literalBytes` and for a string of `textBytes`, however much of it needs an escape. */
  reserve(literalBytes: number, textBytes: number): void {
    const needed = this.#length + literalBytes + textBytes * ESCAPED_BYTES_MAX
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length))
    this.#bytes.copy(grown, 0, 0, this.#length)
    this.#bytes = grown
    this.#words.to(grown)
  }

  /** Bytes as they are. There must be room; short ones are copied faster by this loop than by Buffer.set. */
  put(literal: Uint8Array): void {
    const bytes = this.#bytes
    let to = this.#length
    for (let i = 0; i < literal.length; i += 1) {
      bytes[to] = literal[i] as number
      to += 1
    }
    this.#length = to
  }

  /** The same, faster from some 64 bytes on. */
  putLong(literal: Uint8Array): void {
    this.#bytes.set(literal, this.#length)
    this.#length += literal.length
  }

  /** Text of any length, as it is. Makes room for itself. */
  putText(text: string): void {
    this.reserve(Buffer.byteLength(text), 0)
    this.#length += this.#bytes.write(text, this.#length)
  }

  /** A safe integer from 0. There must be room for its 16 digits. */
  putInteger(value: number): void {
    let digits = 1
    for (let bound = 10; value >= bound; bound *= 10) digits += 1
    let rest = value
    for (let to = this.#length + digits - 1; to >= this.#length; to -= 1) {
      const tens = Math.floor(rest / 10)
      // The brackets keep the sum below 2^53.
      this.#bytes[to] = ZERO + (rest - tens * 10)
      rest = tens
    }
    this.#length += digits
  }

  /** A thousandth of a safe integer from 0, without zeros at its end. There must be room for its 17 digits. */
  putThousandths(thousandths: number): void {
    const whole = Math.floor(thousandths / 1_000)
    this.putInteger(whole)
    let rest = thousandths - whole * 1_000
    if (rest === 0) return
    let to = this.#length
    this.#bytes[to] = POINT
    for (let unit = 100; rest > 0; unit /= 10) {
      const digit = Math.floor(rest / unit)
      to += 1
      this.#bytes[to] = ZERO + digit
      rest -= digit * unit
    }
    this.#length = to + 1
  }

  /** What {@link putString} reads from now on. */
  from(source: Uint8Array): void {
    this.#source = source
    this.#words.between(source, this.#bytes)
  }

  /** The inside of a string, escaped; there must be room. Returns false where some of it is not ASCII. */
  putString(start: number, end: number): boolean {
    const bytes = this.#bytes
    const source = this.#source
    const words = this.#words
    words.seen = 0
    let to = this.#length
    let seen = 0
    let from = start
    while (from < end) {
      const copied = words.copy(from, end, to)
      from += copied
      to += copied
      // The word that holds something to escape, and what is behind the last whole one.
      for (const stop = Math.min(end, from + WORD_BYTES); from < stop; from += 1) {
        const byte = source[from] as number
        if (ESCAPE[byte] === 0) {
          bytes[to] = byte
          to += 1
          seen |= byte
        } else to = escapeTo(bytes, to, byte)
      }
    }
    this.#length = to
    return seen <= ASCII_MAX && !words.sawMoreThanAscii
  }

  /** What was written, not a copy of it: it holds until something else is written. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  /** A copy of everything from `from` on; what is written next starts anew. */
  take(): Buffer {
    const result = Buffer.from(this.#bytes.subarray(0, this.#length))
    this.#length = 0
    if (!this.isKept) this.#bytes = Buffer.allocUnsafe(FIRST_BYTES)
    return result
  }
}

function escapeTo(bytes: Buffer, at: number, byte: number): number {
  const letter = ESCAPE[byte] as number
  bytes[at] = BACKSLASH
  if (letter !== 1) {
    bytes[at + 1] = letter
    return at + 2
  }
  bytes[at + 1] = 0x75
  bytes[at + 2] = ZERO
  bytes[at + 3] = ZERO
  bytes[at + 4] = HEX[byte >> 4] as number
  bytes[at + 5] = HEX[byte & 15] as number
  return at + 6
}
