import type { HeldSlot } from './leaseTable.ts'
import type { Lot } from './lot.ts'
import type { WorkContext } from './options.ts'

/** One message in the hands of its handler. */
export class Job implements WorkContext {
  readonly lot: Lot
  /** In the lot. */
  readonly number: number
  readonly offset: number
  readonly held: HeldSlot
  /** What the handler makes of it changes nothing any more. */
  isAbandoned = false
  #abort: AbortController | undefined

  /** Of the lot's next message, which is still to be taken. */
  constructor(lot: Lot, held: HeldSlot) {
    this.lot = lot
    this.number = lot.taken
    this.offset = lot.next
    this.held = held
  }

  /** Made when it is asked for: most handlers do not. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    return this.#abort.signal
  }

  abandon(reason: Error): void {
    this.isAbandoned = true
    this.#abort ??= new AbortController()
    this.#abort.abort(reason)
  }

  get name(): string {
    const { topic, partition } = this.lot.part
    return `${topic}-${partition} offset ${this.offset}`
  }
}
