/**
 * The one writer of a log. append() only queues; the loop takes what has gathered, stamps it, writes it
 * with one write and makes it readable.
 *
 *   idle --append--> gathering (until the end of this turn of the event loop) --> writing --> idle
 *                                                                    ^---- more came -----'
 *
 * Of a log whose writer gathers by himself it begins at once.
 *
 * A write that fails is taken back: the file is cut where it ended before, nothing of the group was visible
 * or indexed, and the loop goes on. Where even the cut fails the fence goes up.
 */

import type { FileHandle } from '../../io/index.ts'
import { BrokerError } from '../../kernel/errors.ts'
import { failpoint } from '../../kernel/failpoint.ts'
import type { Offset } from '../../kernel/units.ts'
import type { RecordBatch } from '../../record/index.ts'
import type { Acks, Admission, AppendResult } from '../port.ts'
import { notBefore } from '../stamping.ts'
import { admit, undoAdmissions } from './admission.ts'
import { AppendGroup } from './appendGroup.ts'
import { AppendQueue } from './appendQueue.ts'
import { IndexBuilder } from './indexBuilder.ts'
import type { LogState } from './logState.ts'
import { storageError } from './storageError.ts'
import type { SyncLoop } from './syncLoop.ts'

/** What the loop asks of the log around it. */
export interface AppendLoopOwner {
  /** Seals the active segment and begins the next. */
  roll(): Promise<void>
  /** Something was written that is not on disk yet. */
  becameDirty(): void
}

export class AppendLoop {
  readonly #state: LogState
  readonly #sync: SyncLoop
  readonly #owner: AppendLoopOwner
  readonly #queue = new AppendQueue()
  #running = false
  /** The last write was refused; said once when that begins and once when it is over. */
  #refusing = false
  #whenIdle: (() => void)[] = []

  constructor(state: LogState, sync: SyncLoop, owner: AppendLoopOwner) {
    this.#state = state
    this.#sync = sync
    this.#owner = owner
  }

  /** Queues a checked batch. Throws BROKER_OVERLOADED. */
  append(batch: RecordBatch, acks: Acks, admission?: Admission): Promise<AppendResult> {
    this.#state.services.queued.take(batch.bytes.length)
    if (acks === 'none') {
      const unheard = { resolve: undefined, reject: undefined }
      this.#push({ batch, acks, admission, ...unheard, baseOffset: 0 })
      return Promise.resolve(unanswered(batch))
    }
    return new Promise((resolve, reject) => {
      this.#push({ batch, acks, admission, resolve, reject, baseOffset: 0 })
    })
  }

  /** Resolves when nothing is queued or being written. */
  idle(): Promise<void> {
    if (!this.#running) return Promise.resolve()
    return new Promise((resolve) => {
      this.#whenIdle.push(resolve)
    })
  }

  #push(item: Parameters<AppendQueue['push']>[0]): void {
    this.#queue.push(item)
    if (this.#running) return
    this.#running = true
    if (this.#state.isGathered) void this.#run()
    else setImmediate(() => void this.#run())
  }

  async #run(): Promise<void> {
    while (!this.#queue.isEmpty) {
      const { fence } = this.#state
      if (fence !== undefined) this.#refuseAll(fence)
      else await this.#writeNext()
    }
    this.#running = false
    const waiting = this.#whenIdle
    this.#whenIdle = []
    for (const resolve of waiting) resolve()
  }

  async #writeNext(): Promise<void> {
    const room = this.#room()
    const first = this.#queue.first
    if (first !== undefined && first.batch.bytes.length > room) {
      try {
        await this.#owner.roll()
      } catch (error) {
        // As many as one write would have taken are refused, so that a full disk is asked once for all of them.
        this.#refuse(
          Number.POSITIVE_INFINITY,
          this.#refusal(error, `begin a segment of ${this.#state.path}`),
        )
        return
      }
    }
    const group = this.#takeGroup(this.#room())
    if (group === undefined) return
    while (!group.stampSome()) await new Promise((resolve) => setImmediate(resolve))
    try {
      await this.#write(group)
    } catch (error) {
      this.#giveBack(group)
      undoAdmissions(group.appends)
      this.#state.services.tails.abandon(group.bytes)
      group.refused(this.#refusal(error, `append to ${this.#state.active.log.path}`))
      return
    }
    this.#giveBack(group)
    this.#noteSuccess()
    this.#publish(group)
  }

  /** Bytes that the active segment still takes; an empty one takes any batch. */
  #room(): number {
    const { active, segmentBytes } = this.#state
    return active.sizeBytes === 0
      ? Number.POSITIVE_INFINITY
      : Math.max(0, segmentBytes - active.sizeBytes)
  }

  /** Undefined where none of those taken is to be written. */
  #takeGroup(segmentBytes: number): AppendGroup | undefined {
    const { active, services, next, lastTimestampMs } = this.#state
    const { groupBytesMax } = services.options
    const taken = this.#queue.takeGroup({ segmentBytes, groupBytesMax })
    const start = {
      baseOffset: next,
      position: active.sizeBytes,
      timestampMs: notBefore(services.platform.clock.nowMs(), lastTimestampMs),
    }
    const appends = admit(taken, {
      baseOffset: start.baseOffset,
      timestampMs: start.timestampMs,
      sync: this.#sync,
      done: (append) => services.queued.giveBack(append.batch.bytes.length),
      again: (append) => this.#queue.push(append),
    })
    if (appends.length === 0) return undefined
    const indexer = new IndexBuilder(active.baseOffset, active.indexedTo)
    return new AppendGroup(appends, start, indexer, services.tails)
  }

  async #write(group: AppendGroup): Promise<void> {
    const { active, services } = this.#state
    await services.files.use(active.log, async (handle) => {
      try {
        failpoint('segment.append.before-write')
        active.log.dirty = true
        await handle.write(group.bytes, group.start.position)
        active.log.dirty = true
        failpoint('segment.append.after-write')
      } catch (error) {
        await this.#takeBack(handle, group.start.position, storageError(error, 'append'))
        throw error
      }
    })
  }

  /** Cuts off what a failed write left. Throws OUTCOME_UNKNOWN where that fails too. */
  async #takeBack(handle: FileHandle, position: number, cause: BrokerError): Promise<void> {
    try {
      await handle.truncate(position)
      // A sync that began before the cut may have ended meanwhile, with what was half-written.
      this.#state.active.log.dirty = true
    } catch (error) {
      this.#state.raiseFence(storageError(error, 'take back a failed write'))
      throw new BrokerError(
        'OUTCOME_UNKNOWN',
        `a failed write could not be taken back: ${cause.message}`,
        {
          cause: error,
        },
      )
    }
  }

  #publish(group: AppendGroup): void {
    const state = this.#state
    const { active, services } = state
    const { bytes, start, endOffset } = group
    const { block, indexedTo } = group.takeIndex()
    active.sizeBytes += bytes.length
    active.nextOffset = endOffset
    active.newestTimestampMs = start.timestampMs
    if (block !== undefined) active.addIndexBlock(block, indexedTo)
    const lanes = active.lanes.extend(block?.turns, endOffset)
    if (lanes !== undefined) state.plainFrom = active.lanes.plainFrom
    const { baseOffset, position } = start
    services.tails.add(state.tail, { bytes, baseOffset, endOffset, position, block })
    state.lastTimestampMs = start.timestampMs
    state.next = endOffset
    state.onAppended?.(endOffset as Offset, lanes)
    this.#owner.becameDirty()
    if (group.written()) this.#sync.add(group)
  }

  #refusal(error: unknown, doing: string): BrokerError {
    const refusal = storageError(error, doing)
    if (!this.#refusing) {
      const { logger } = this.#state.services.platform
      logger.error({ log: this.#state.path, error: refusal }, 'writes refused')
    }
    this.#refusing = true
    return refusal
  }

  #noteSuccess(): void {
    if (!this.#refusing) return
    this.#refusing = false
    this.#state.services.platform.logger.info({ log: this.#state.path }, 'writes go on')
  }

  #giveBack(group: AppendGroup): void {
    this.#state.services.queued.giveBack(group.bytes.length)
  }

  #refuseAll(error: BrokerError): void {
    for (const append of this.#queue.takeAll()) {
      this.#state.services.queued.giveBack(append.batch.bytes.length)
      append.reject?.(error)
    }
  }

  #refuse(segmentBytes: number, error: BrokerError): void {
    const { groupBytesMax } = this.#state.services.options
    for (const append of this.#queue.takeGroup({ segmentBytes, groupBytesMax })) {
      this.#state.services.queued.giveBack(append.batch.bytes.length)
      append.reject?.(error)
    }
  }
}

const unanswered = (batch: RecordBatch): AppendResult => ({
  baseOffset: 0 as Offset,
  count: batch.count,
  timestampMs: 0 as AppendResult['timestampMs'],
  durability: 'none',
})
