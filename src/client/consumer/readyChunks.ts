import { PrefetchBudget } from './budget.ts'
import type { Chunk, Reply } from './chunk.ts'

/** Chunks that no handler has yet, in the order in which they came; who waits for one; and the memory they take. */
export class ReadyChunks {
  readonly #budget: PrefetchBudget
  readonly #onRoom: () => void
  #chunks: Chunk[] = []
  /** Handlers' loops that wait for a chunk. */
  #takers: (() => void)[] = []

  /** `onRoom` is told whenever a chunk is done with. */
  constructor(bytesMax: number, onRoom: () => void) {
    this.#budget = new PrefetchBudget(bytesMax)
    this.#onRoom = onRoom
  }

  /** Bytes that came and that no handler is done with. */
  get heldBytes(): number {
    return this.#budget.heldBytes
  }

  hasRoom(bytes: number): boolean {
    return this.#budget.hasRoom(bytes)
  }

  add(chunk: Chunk): void {
    chunk.reply.chunks += 1
    this.#chunks.push(chunk)
  }

  /** All chunks of the reply were added. */
  arrived(reply: Reply): void {
    this.#budget.hold(reply)
    this.nudge()
  }

  /** The next chunk of a partition that no handler is at work on, and which is busy from then on. */
  take(): Chunk | undefined {
    const chunks = this.#chunks
    for (let i = 0; i < chunks.length; i += 1) {
      const chunk = chunks[i] as Chunk
      if (!chunk.isStale && chunk.cursor.isBusy) continue
      chunks.splice(i, 1)
      i -= 1
      if (chunk.isStale) this.drop(chunk)
      else {
        chunk.cursor.isBusy = true
        return chunk
      }
    }
    return undefined
  }

  /** Its memory is free again. */
  drop({ reply }: Chunk): void {
    this.#budget.release(reply)
    this.#onRoom()
  }

  dropStale(): void {
    const stale = this.#chunks.filter((chunk) => chunk.isStale)
    if (stale.length === 0) return
    this.#chunks = this.#chunks.filter((chunk) => !chunk.isStale)
    for (const chunk of stale) this.drop(chunk)
  }

  /** Resolves with the next {@link nudge}. */
  untilNudged(): Promise<void> {
    return new Promise((resolve) => void this.#takers.push(resolve))
  }

  /** Lets who waits for a chunk look again. */
  nudge(): void {
    const takers = this.#takers
    this.#takers = []
    for (const tell of takers) tell()
  }
}
