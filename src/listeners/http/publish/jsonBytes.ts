/**
 * Reads the plain half of JSON from bytes: what does not look exactly as expected is answered with false or -1, and
 * the reader's place then means nothing. Strings are copied, unescaped, to another buffer as they are read.
 */

import { PlainWords } from '../plainWords.ts'

export const BYTE = {
  QUOTE: 0x22,
  COMMA: 0x2c,
  COLON: 0x3a,
  OPEN_BRACE: 0x7b,
  CLOSE_BRACE: 0x7d,
  OPEN_BRACKET: 0x5b,
  CLOSE_BRACKET: 0x5d,
} as const

const BACKSLASH = 0x5c
const ZERO = 0x30
const NINE = 0x39
const WORD_CHARS_MAX = 16
const INTEGER_DIGITS_MAX = 4

/** Bytes that stand for themselves in a string. */
const PLAIN = new Uint8Array(256).fill(1, 0x20)
PLAIN[BYTE.QUOTE] = 0
PLAIN[BACKSLASH] = 0

/** What follows a backslash, to what it means; 0 for \u and for mistakes. */
const ESCAPED = new Uint8Array(256)
for (const [letter, meaning] of Object.entries({ b: 8, t: 9, n: 10, f: 12, r: 13 })) {
  ESCAPED[letter.charCodeAt(0)] = meaning
}
for (const letter of '"\\/') ESCAPED[letter.charCodeAt(0)] = letter.charCodeAt(0)

const NOTHING = Buffer.alloc(0)

export class JsonBytes {
  protected source: Buffer = NOTHING
  /** Where in `source` the next byte is. */
  protected at = 0
  protected out: Buffer = NOTHING
  /** Where in `out` the next byte goes. */
  protected filled = 0
  /** Single bytes of strings so far, or-ed: from 0x80 on some were not ASCII. */
  protected seen = 0
  /** Between `source` and `out`; to be told where either changes. */
  protected readonly words = new PlainWords()
  #nameStart = 0
  #nameEnd = 0

  /** The next byte that is not white space; undefined at the end. */
  protected peek(): number | undefined {
    let byte = this.source[this.at]
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) {
      this.at += 1
      byte = this.source[this.at]
    }
    return byte
  }

  /** Passes over `byte` where it comes next. */
  protected take(byte: number): boolean {
    if (this.peek() !== byte) return false
    this.at += 1
    return true
  }

  /** Passes over a name without escapes and its colon; {@link nameIs} then tells which. */
  protected takeName(): boolean {
    if (!this.take(BYTE.QUOTE)) return false
    this.#nameStart = this.at
    while (PLAIN[this.source[this.at] ?? 0] === 1) this.at += 1
    this.#nameEnd = this.at
    if (this.source[this.at] !== BYTE.QUOTE) return false
    this.at += 1
    return this.take(BYTE.COLON)
  }

  protected nameIs(name: Uint8Array): boolean {
    return this.#nameEnd - this.#nameStart === name.length && this.#matches(this.#nameStart, name)
  }

  /** Copies a string's bytes to `out`; how many, or -1. */
  protected copyText(): number {
    if (!this.take(BYTE.QUOTE)) return -1
    // Locals: fields in this loop cost 1 ns a byte.
    const { source, out } = this
    const end = source.length
    const from = this.filled
    let { at, filled, seen } = this
    while (at < end) {
      const copied = this.words.copy(at, end, filled)
      at += copied
      filled += copied
      let byte = source[at] as number
      while (PLAIN[byte] === 1) {
        out[filled] = byte
        filled += 1
        seen |= byte
        at += 1
        byte = source[at] as number
      }
      at += 1
      if (byte === BYTE.QUOTE) {
        this.at = at
        this.filled = filled
        this.seen = seen
        return filled - from
      }
      const meaning = byte === BACKSLASH ? (ESCAPED[source[at] ?? 0] as number) : 0
      if (meaning === 0) return -1
      out[filled] = meaning
      filled += 1
      at += 1
    }
    return -1
  }

  /** A short string without escapes; undefined for anything else. */
  protected takeWord(): string | undefined {
    if (!this.take(BYTE.QUOTE)) return undefined
    const start = this.at
    while (PLAIN[this.source[this.at] ?? 0] === 1) this.at += 1
    if (this.source[this.at] !== BYTE.QUOTE || this.at - start > WORD_CHARS_MAX) return undefined
    this.at += 1
    return this.source.toString('latin1', start, this.at - 1)
  }

  /** An integer from 0 to 9999 in its usual form, or -1. */
  protected takeInteger(): number {
    this.peek()
    const start = this.at
    let value = 0
    for (;;) {
      const byte = this.source[this.at] ?? 0
      if (byte < ZERO || byte > NINE) break
      value = value * 10 + byte - ZERO
      this.at += 1
    }
    const digits = this.at - start
    if (digits === 0 || digits > INTEGER_DIGITS_MAX) return -1
    if (digits > 1 && this.source[start] === ZERO) return -1
    return this.isEndOfValue() ? value : -1
  }

  /** Passes over a bare word such as `null`. */
  protected takeLiteral(literal: Uint8Array): boolean {
    this.peek()
    if (!this.#matches(this.at, literal)) return false
    this.at += literal.length
    return this.isEndOfValue()
  }

  protected isEndOfValue(): boolean {
    const byte = this.peek()
    return byte === BYTE.COMMA || byte === BYTE.CLOSE_BRACE || byte === BYTE.CLOSE_BRACKET
  }

  #matches(at: number, bytes: Uint8Array): boolean {
    for (let i = 0; i < bytes.length; i += 1) {
      if (this.source[at + i] !== bytes[i]) return false
    }
    return true
  }
}
