/**
 * Plain tar (POSIX.1-1988 ustar), what is needed of it: regular files with names, sizes and nothing else. Written here,
 * and read here; any `tar` reads it too.
 *
 *   entry = header (512 bytes) | content | zeros up to a multiple of 512
 *   end   = 1,024 zeros
 *
 *   header: name 0+100 · mode 100+8 · uid 108+8 · gid 116+8 · size 124+12 · mtime 136+12 · checksum 148+8 · type 156 ·
 *           magic "ustar\0" 257 · version "00" 263 · prefix 345+155; numbers are octal text
 *
 * A name of more than 100 bytes is split at a slash into prefix and name; one that does not fit is written as a GNU
 * long name: an entry of type L whose content is the name of the next one.
 */
import { KiB } from '../../kernel/units.ts'

export const BLOCK_BYTES = 512
/** What stands behind the last entry. */
export const END = Buffer.alloc(2 * BLOCK_BYTES)

const NAME_BYTES = 100
const PREFIX_BYTES = 155
const LONG_NAME = '././@LongLink'
/** Longer names are not ours. */
const LONG_NAME_BYTES_MAX = 4 * KiB

export const padding = (sizeBytes: number): Buffer =>
  Buffer.alloc((BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES)

export interface TarFile {
  readonly name: string
  readonly sizeBytes: number
}

/** What stands in front of the content of a file. */
export function headerOf({ name, sizeBytes }: TarFile, modifiedMs: number): Buffer {
  const place = placeOf(name)
  if (place !== undefined) return header({ ...place, sizeBytes, modifiedMs, type: '0' })
  const long = Buffer.from(`${name}\0`)
  const intro = { name: LONG_NAME, prefix: '', sizeBytes: long.length, modifiedMs, type: 'L' }
  const short = { name: name.slice(-NAME_BYTES), prefix: '', sizeBytes, modifiedMs, type: '0' }
  return Buffer.concat([header(intro), long, padding(long.length), header(short)])
}

interface Header extends TarFile {
  readonly prefix: string
  readonly modifiedMs: number
  readonly type: string
}

/** Undefined where the name fits into no header. */
function placeOf(name: string): { readonly name: string; readonly prefix: string } | undefined {
  if (Buffer.byteLength(name) <= NAME_BYTES) return { name, prefix: '' }
  for (let at = name.indexOf('/'); at > 0; at = name.indexOf('/', at + 1)) {
    const [prefix, rest] = [name.slice(0, at), name.slice(at + 1)]
    if (Buffer.byteLength(prefix) > PREFIX_BYTES) return undefined
    if (Buffer.byteLength(rest) <= NAME_BYTES) return { name: rest, prefix }
  }
  return undefined
}

function header({ name, prefix, sizeBytes, modifiedMs, type }: Header): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES)
  const octal = (value: number, at: number, length: number): void => {
    block.write(value.toString(8).padStart(length - 1, '0'), at, 'latin1')
  }
  block.write(name, 0)
  octal(0o600, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(sizeBytes, 124, 12)
  octal(Math.floor(modifiedMs / 1000), 136, 12)
  block.write(type, 156)
  block.write('ustar\0' + '00', 257, 'latin1')
  block.write(prefix, 345)
  block.write(`${checksumOf(block).toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

const CHECKSUM_AT = 148
const CHECKSUM_END = 156

/** The sum of all bytes, those of the sum itself taken as spaces. */
function checksumOf(block: Buffer): number {
  let sum = 0
  for (let i = 0; i < BLOCK_BYTES; i += 1) {
    sum += i >= CHECKSUM_AT && i < CHECKSUM_END ? 0x20 : (block[i] as number)
  }
  return sum
}

const textAt = (block: Buffer, at: number, length: number): string => {
  const field = block.subarray(at, at + length)
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end < 0 ? length : end)
}

const octalAt = (block: Buffer, at: number, length: number): number => {
  const text = textAt(block, at, length).trim()
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN
}

/** In the order of the file: `file`, then its content as `data`; `end` last. */
export type TarEvent =
  | { readonly kind: 'file'; readonly name: string; readonly sizeBytes: number }
  | { readonly kind: 'data'; readonly bytes: Buffer }
  | { readonly kind: 'end' }

/** Reads a tar in pieces of any size. What is none throws a TarError. */
export class TarReader {
  /** Of a block or a long name that is not whole yet. */
  #rest: Buffer = Buffer.alloc(0)
  #contentLeft = 0
  #paddingLeft = 0
  #longName: string | undefined
  #longNameBytes = 0
  #isEnd = false

  /** True once the end was seen. */
  get isEnd(): boolean {
    return this.#isEnd
  }

  /** What `chunk` adds; bytes of events are views of it, for as long as it is not written to. */
  *read(chunk: Buffer): Generator<TarEvent> {
    let at = 0
    while (at < chunk.length && !this.#isEnd) {
      const free = chunk.length - at
      if (this.#contentLeft > 0) {
        const count = Math.min(free, this.#contentLeft)
        yield { kind: 'data', bytes: chunk.subarray(at, at + count) }
        this.#contentLeft -= count
        at += count
      } else if (this.#paddingLeft > 0) {
        const count = Math.min(free, this.#paddingLeft)
        this.#paddingLeft -= count
        at += count
      } else {
        const wanted = (this.#longNameBytes || BLOCK_BYTES) - this.#rest.length
        const part = chunk.subarray(at, at + Math.min(free, wanted))
        this.#rest = Buffer.concat([this.#rest, part])
        at += part.length
        if (part.length === wanted) yield* this.#take()
      }
    }
  }

  *#take(): Generator<TarEvent> {
    const block = this.#rest
    this.#rest = Buffer.alloc(0)
    if (this.#longNameBytes > 0) {
      this.#longName = textAt(block, 0, block.length)
      this.#paddingLeft = padding(this.#longNameBytes).length
      this.#longNameBytes = 0
    } else if (block.every((byte) => byte === 0)) {
      this.#isEnd = true
      yield { kind: 'end' }
    } else {
      yield* this.#begin(block)
    }
  }

  *#begin(block: Buffer): Generator<TarEvent> {
    const sizeBytes = octalAt(block, 124, 12)
    if (octalAt(block, CHECKSUM_AT, 8) !== checksumOf(block) || Number.isNaN(sizeBytes)) {
      throw new TarError('what should be the head of a file is none')
    }
    const type = textAt(block, 156, 1)
    if (type === 'L') {
      if (sizeBytes > LONG_NAME_BYTES_MAX) throw new TarError('a name is too long')
      this.#longNameBytes = sizeBytes
      return
    }
    if (type !== '0' && type !== '') throw new TarError(`an entry of type ${type} is not ours`)
    const prefix = textAt(block, 345, PREFIX_BYTES)
    const short = textAt(block, 0, NAME_BYTES)
    const name = this.#longName ?? (prefix === '' ? short : `${prefix}/${short}`)
    this.#longName = undefined
    this.#contentLeft = sizeBytes
    this.#paddingLeft = padding(sizeBytes).length
    yield { kind: 'file', name, sizeBytes }
  }
}

/** Bytes that are no tar. */
export class TarError extends Error {
  override readonly name = 'TarError'
}
