/** Events and snapshots as bytes: numbers as LEB128, texts with their length in front. */
const FIRST_BYTES = 1024
const SEVEN_BITS = 0x80
const INT_MAX = 0x7fff_ffff

export class ByteWriter {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES)
  #length = 0

  u8(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#length++] = value
  }

  /** A safe integer from 0. */
  int(value: number): void {
    this.#reserve(8)
    let rest = value
    while (rest > INT_MAX) {
      this.#bytes[this.#length++] = (rest % SEVEN_BITS) | SEVEN_BITS
      rest = Math.floor(rest / SEVEN_BITS)
    }
    while (rest >= SEVEN_BITS) {
      this.#bytes[this.#length++] = (rest & 0x7f) | SEVEN_BITS
      rest >>>= 7
    }
    this.#bytes[this.#length++] = rest
  }

  text(value: string): void {
    const length = Buffer.byteLength(value)
    this.int(length)
    this.#reserve(length)
    this.#length += this.#bytes.write(value, this.#length)
  }

  ints(values: readonly number[]): void {
    this.int(values.length)
    for (const value of values) this.int(value)
  }

  /** A copy of what was written; what is written next starts anew. */
  take(): Buffer {
    const taken = Buffer.allocUnsafeSlow(this.#length)
    this.#bytes.copy(taken, 0, 0, this.#length)
    this.#length = 0
    return taken
  }

  #reserve(more: number): void {
    const needed = this.#length + more
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length))
    this.#bytes.copy(grown, 0, 0, this.#length)
    this.#bytes = grown
  }
}

/** Throws a RangeError where the bytes end too early. */
export class ByteReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  u8(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw new RangeError('it ends too early')
    this.#at += 1
    return byte
  }

  int(): number {
    let value = 0
    let factor = 1
    for (;;) {
      const byte = this.u8()
      value += (byte & 0x7f) * factor
      if (byte < SEVEN_BITS) return value
      factor *= SEVEN_BITS
    }
  }

  text(): string {
    const length = this.int()
    const start = this.#at
    this.#at += length
    if (this.#at > this.#bytes.length) throw new RangeError('it ends too early')
    return this.#bytes.toString('utf8', start, this.#at)
  }

  ints(): number[] {
    const values: number[] = []
    for (let left = this.int(); left > 0; left -= 1) values.push(this.int())
    return values
  }
}
