import type { Reply } from './chunk.ts'

/** Bytes of replies in memory: a reply counts whole until the last of its chunks is done with. */
export class PrefetchBudget {
  readonly #max: number
  #held = 0

  constructor(bytesMax: number) {
    this.#max = bytesMax
  }

  get heldBytes(): number {
    return this.#held
  }

  /** True where a reply of `bytes` has room. An empty budget has room for any. */
  hasRoom(bytes: number): boolean {
    return this.#held === 0 || this.#held + bytes <= this.#max
  }

  hold(reply: Reply): void {
    if (reply.chunks > 0) this.#held += reply.byteLength
  }

  /** One chunk of the reply is done with. */
  release(reply: Reply): void {
    reply.chunks -= 1
    if (reply.chunks === 0) this.#held -= reply.byteLength
  }
}
