/**
 * Memory to read into where most of what is read is passed over: a few blocks, used again and again. Fresh memory for
 * each read is half a megabyte that the kernel clears and the garbage collector hears of, for a fifth of it that is
 * wanted: a fifth of the daemon's time where five lanes are scattered (profile of bench lanes-scattered).
 */
import { KiB } from '../kernel/units.ts'

/** What the engine may read beside what it was asked for. */
const SLACK_BYTES = 16 * KiB
export const BLOCK_BYTES = 512 * KiB + SLACK_BYTES
/** As many as one poll reads at once. */
const KEPT = 8

export class LentBlocks {
  readonly #free: Buffer[] = []

  /** Undefined where it would be too small for so many bytes. */
  lend(bytes: number): Buffer | undefined {
    if (bytes > BLOCK_BYTES - SLACK_BYTES) return undefined
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES)
  }

  /** To be called when nobody reads into it, and nobody looks at it, any more. */
  giveBack(block: Buffer): void {
    if (this.#free.length < KEPT) this.#free.push(block)
  }
}
