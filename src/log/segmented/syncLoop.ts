/**
 * Brings what was written onto the disk: one fdatasync at a time, which serves all who wait for offsets that
 * were written when it began. Writes go on meanwhile.
 */
import type { BrokerError } from '../../kernel/errors.ts'
import { failpoint } from '../../kernel/failpoint.ts'
import { KiB } from '../../kernel/units.ts'
import type { LogState } from './logState.ts'
import { storageError } from './storageError.ts'

/** Somebody who waits until everything below an offset is on disk. */
export interface SyncWaiter {
  readonly endOffset: number
  synced(): void
  failed(error: BrokerError): void
}

/** Index entries are written once so many bytes of log are synced: each write serves some dozen of them. */
const INDEX_FLUSH_BYTES = 256 * KiB

export class SyncLoop {
  readonly #state: LogState
  #waiting: SyncWaiter[] = []
  #running = false

  constructor(state: LogState) {
    this.#state = state
  }

  add(waiter: SyncWaiter): void {
    this.#waiting.push(waiter)
    if (!this.#running) void this.#run()
  }

  /** Resolves when everything written so far is on disk; rejects with LOG_FENCED. */
  request(): Promise<void> {
    const { fence, next } = this.#state
    if (fence !== undefined) return Promise.reject(fence)
    if (!this.#isDue(next)) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.add({ endOffset: next, synced: resolve, failed: reject })
    })
  }

  async #run(): Promise<void> {
    this.#running = true
    while (this.#waiting.length > 0 && this.#state.fence === undefined) {
      const target = this.#state.next
      try {
        if (this.#isDue(target)) await this.#sync()
      } catch (error) {
        this.#state.raiseFence(storageError(error, `sync ${this.#state.active.log.path}`))
        break
      }
      // The fence may have gone up meanwhile, over a file that the pool had to close.
      if (this.#state.fence !== undefined) break
      this.#state.durable = Math.max(this.#state.durable, target)
      this.#settle(target)
      void this.#flushIndexes()
    }
    this.#running = false
    this.#rejectAll()
  }

  /** The cut that took back a failed write moves no offset, and counts no less: it may come undone as well. */
  #isDue(target: number): boolean {
    const { durable, active } = this.#state
    return durable < target || active.log.dirty
  }

  async #sync(): Promise<void> {
    const { services, path, active } = this.#state
    failpoint('segment.append.before-sync')
    await services.directories.settle(path)
    await services.files.use(active.log, async (handle) => {
      active.log.dirty = false
      await handle.datasync()
    })
  }

  #settle(target: number): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const waiter of waiting) {
      if (waiter.endOffset <= target) waiter.synced()
      else this.#waiting.push(waiter)
    }
  }

  /** An index is a cache: where it cannot be written now, its entries stay in memory for the next time. */
  async #flushIndexes(): Promise<void> {
    const { active, durable, services, path } = this.#state
    if (active.indexedTo.position - active.indexFlushedTo < INDEX_FLUSH_BYTES) return
    try {
      await active.flushIndexes(durable)
    } catch (error) {
      services.platform.logger.warn({ log: path, error }, 'index not written')
    }
  }

  #rejectAll(): void {
    const { fence } = this.#state
    if (fence === undefined) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const waiter of waiting) waiter.failed(fence)
  }
}
