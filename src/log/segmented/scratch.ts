/**
 * Memory for reading through segments: a few blocks that are used again and again, so that opening a
 * thousand logs does not leave a thousand blocks to the garbage collector.
 */
import { MiB } from '../../kernel/units.ts'

/** Read and checked at once: about 3 ms of checksums. */
export const SCRATCH_BYTES = 1 * MiB
const KEPT = 2

export class Scratch {
  readonly #free: Buffer[] = []

  /** Runs `task` with a block of at least `sizeBytes` that nobody else has meanwhile. Its bytes are anything. */
  async use<T>(sizeBytes: number, task: (block: Buffer) => Promise<T>): Promise<T> {
    const block =
      sizeBytes <= SCRATCH_BYTES
        ? (this.#free.pop() ?? Buffer.allocUnsafeSlow(SCRATCH_BYTES))
        : Buffer.allocUnsafeSlow(sizeBytes)
    try {
      return await task(block)
    } finally {
      if (block.length === SCRATCH_BYTES && this.#free.length < KEPT) this.#free.push(block)
    }
  }
}
