/**
 * Memory for the bodies of raw batches, used again and again. A body of a hundred kilobytes is no heap to speak of, but
 * V8 counts it, and collects the whole heap for every few dozen of them (bench raw-1k-100, where the heap may grow by
 * half between two collections: 12.4 µs of processor time a record with memory of its own for each, 9.5 so).
 *
 * Whoever took a body gives it back when nobody reads it any more, and only then. One that is never given back is
 * garbage like any other.
 */
import { KiB, MiB } from '../../kernel/units.ts'

/** Smaller ones are cheap, larger ones rare. */
const POOLED_BYTES_MIN = 32 * KiB
const POOLED_BYTES_MAX = 1 * MiB
/** Of all free blocks together. */
const FREE_BYTES_MAX = 4 * MiB

export class BodyBlocks {
  /** By the power of two that is their length. */
  readonly #free = new Map<number, Buffer[]>()
  readonly #lent = new WeakSet<ArrayBufferLike>()
  #freeBytes = 0

  /** Just as long as asked for, its bytes are anything. Undefined where it is better to do without. */
  take(bytes: number): Buffer | undefined {
    if (bytes < POOLED_BYTES_MIN || bytes > POOLED_BYTES_MAX) return undefined
    const size = 2 ** Math.ceil(Math.log2(bytes))
    const known = this.#free.get(size)?.pop()
    if (known !== undefined) this.#freeBytes -= size
    const block = known ?? Buffer.allocUnsafeSlow(size)
    this.#lent.add(block.buffer)
    return block.subarray(0, bytes)
  }

  /** Takes back what {@link take} gave, once; anything else is left alone. */
  giveBack(body: Buffer): void {
    if (!this.#lent.delete(body.buffer)) return
    const block = Buffer.from(body.buffer)
    if (this.#freeBytes + block.length > FREE_BYTES_MAX) return
    this.#freeBytes += block.length
    const free = this.#free.get(block.length)
    if (free === undefined) this.#free.set(block.length, [block])
    else free.push(block)
  }
}
