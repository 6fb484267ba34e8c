/** Batches that wait to be written, in the order in which they came. */
import type { BrokerError } from '../../kernel/errors.ts'
import type { RecordBatch } from '../../record/index.ts'
import type { Acks, Admission, AppendResult } from '../port.ts'

/** One append under way. For acks `none` nobody waits, and both callbacks are undefined. */
export interface PendingAppend {
  readonly batch: RecordBatch
  readonly acks: Acks
  readonly admission: Admission | undefined
  readonly resolve: ((result: AppendResult) => void) | undefined
  readonly reject: ((error: BrokerError) => void) | undefined
  /** Given when it is stamped. */
  baseOffset: number
}

/** Room that one group may fill. */
export interface GroupRoom {
  /** What is left of the segment, in bytes. */
  readonly segmentBytes: number
  readonly groupBytesMax: number
}

const COMPACTED_FROM = 1024

export class AppendQueue {
  #items: PendingAppend[] = []
  #head = 0

  get isEmpty(): boolean {
    return this.#head === this.#items.length
  }

  get first(): PendingAppend | undefined {
    return this.#items[this.#head]
  }

  push(item: PendingAppend): void {
    this.#items.push(item)
  }

  /** The next ones that fit together; empty where even the first does not fit in the segment. */
  takeGroup({ segmentBytes, groupBytesMax }: GroupRoom): PendingAppend[] {
    const items = this.#items
    let end = this.#head
    let bytes = 0
    for (; end < items.length; end += 1) {
      const grown = bytes + (items[end] as PendingAppend).batch.bytes.length
      if (grown > segmentBytes || (grown > groupBytesMax && bytes > 0)) break
      bytes = grown
    }
    return this.#take(end)
  }

  takeAll(): PendingAppend[] {
    return this.#take(this.#items.length)
  }

  #take(end: number): PendingAppend[] {
    const items = this.#items
    if (end === items.length) {
      const taken = this.#head === 0 ? items : items.slice(this.#head)
      this.#items = []
      this.#head = 0
      return taken
    }
    const taken = items.slice(this.#head, end)
    this.#head = end
    if (this.#head > COMPACTED_FROM && this.#head * 2 > items.length) {
      this.#items = items.slice(this.#head)
      this.#head = 0
    }
    return taken
  }
}
