/**
 * Batches that are written together: gathered into one buffer, stamped, indexed, and later answered.
 * One append has one object here, a record has none.
 */
import type { BrokerError } from '../../kernel/errors.ts'
import { MiB, type Offset, type TimestampMs } from '../../kernel/units.ts'
import { recordLength, recordPriority, stampRecord } from '../../record/index.ts'
import type { Durability } from '../port.ts'
import type { PendingAppend } from './appendQueue.ts'
import type { IndexBlock, IndexBuilder, IndexedTo } from './indexBuilder.ts'
import type { SyncWaiter } from './syncLoop.ts'
import type { TailCache } from './tailCache.ts'

/** Stamped in one turn of the event loop: about 3 ms for small records. */
const STAMPED_AT_ONCE_BYTES = 1 * MiB

export interface GroupStart {
  readonly baseOffset: number
  readonly position: number
  readonly timestampMs: number
}

export class AppendGroup implements SyncWaiter {
  readonly appends: readonly PendingAppend[]
  readonly bytes: Buffer
  readonly start: GroupStart
  readonly #indexer: IndexBuilder
  readonly #stamp: { offset: number; timestampMs: number; more: boolean }
  #at = 0

  constructor(
    appends: readonly PendingAppend[],
    start: GroupStart,
    indexer: IndexBuilder,
    tails: TailCache,
  ) {
    this.appends = appends
    this.start = start
    this.#indexer = indexer
    this.#stamp = { offset: start.baseOffset, timestampMs: start.timestampMs, more: false }
    this.bytes = gather(appends, tails)
    let offset = start.baseOffset
    for (const append of appends) {
      append.baseOffset = offset
      offset += append.batch.count
    }
    this.#next = 0
    this.#left = appends[0]?.batch.count ?? 0
    this.endOffset = offset
  }

  readonly endOffset: number
  /** The append whose records are being stamped, and how many of them are left. */
  #next: number
  #left: number

  /** Hands over the index entries of the group, once. */
  takeIndex(): { readonly block: IndexBlock | undefined; readonly indexedTo: IndexedTo } {
    const block = this.#indexer.take(this.endOffset)
    return { block, indexedTo: this.#indexer.indexedWith(block) }
  }

  /** Stamps some records more; true when all are. */
  stampSome(): boolean {
    const { bytes, start } = this
    const indexer = this.#indexer
    const stamp = this.#stamp
    const until = Math.min(bytes.length, this.#at + STAMPED_AT_ONCE_BYTES)
    let at = this.#at
    let left = this.#left
    while (at < until) {
      const length = recordLength(bytes, at)
      left -= 1
      stamp.more = left > 0
      stampRecord(bytes, at, length, stamp)
      if (start.position + at >= indexer.nextPosition) {
        indexer.add(stamp.offset, start.position + at, start.timestampMs)
      }
      const lane = recordPriority(bytes, at)
      if (lane !== indexer.lane) indexer.turn(stamp.offset, lane)
      stamp.offset += 1
      at += length
      if (left === 0) {
        this.#next += 1
        left = this.appends[this.#next]?.batch.count ?? 0
      }
    }
    this.#at = at
    this.#left = left
    return at === bytes.length
  }

  /** Answers those for whom the page cache is enough; true where others wait for the disk. */
  written(): boolean {
    let waiting = false
    for (const append of this.appends) {
      if (append.acks === 'all') waiting = true
      else this.#answer(append, 'memory')
    }
    return waiting
  }

  synced(): void {
    for (const append of this.appends) if (append.acks === 'all') this.#answer(append, 'disk')
  }

  /** For those who wait for the disk. */
  failed(error: BrokerError): void {
    for (const append of this.appends) if (append.acks === 'all') append.reject?.(error)
  }

  /** For all: nothing of the group is visible. */
  refused(error: BrokerError): void {
    for (const append of this.appends) append.reject?.(error)
  }

  #answer(append: PendingAppend, durability: Durability): void {
    append.resolve?.({
      baseOffset: append.baseOffset as Offset,
      count: append.batch.count,
      timestampMs: this.start.timestampMs as TimestampMs,
      durability,
    })
  }
}

function gather(appends: readonly PendingAppend[], tails: TailCache): Buffer {
  let size = 0
  for (const { batch } of appends) size += batch.bytes.length
  const bytes = tails.allocate(size)
  let at = 0
  for (const { batch } of appends) {
    bytes.set(batch.bytes, at)
    at += batch.bytes.length
  }
  return bytes
}
