/**
 * When the index of a delay log is written, and what may go then: pages of final entries out of memory, segments of the
 * log whose messages are all final off the disk.
 */
import type { Platform } from '../kernel/platform.ts'
import { offset } from '../kernel/units.ts'
import type { Partition } from '../topics/index.ts'
import type { DelayIndex } from './delayIndex.ts'
import type { IndexStore } from './indexStore.ts'
import type { MarkWriter } from './markWriter.ts'

/** Least time between two writings. */
const INTERVAL_MS = 5_000

export interface CheckpointsOptions {
  readonly platform: Platform
  readonly log: Partition
  readonly index: DelayIndex
  readonly store: IndexStore
  readonly marks: MarkWriter
  /** Changed entries at which the index is written. */
  readonly changes: number
  /** Everything in the log below this offset is in the index. */
  readonly covered: () => number
}

export class Checkpoints {
  readonly #options: CheckpointsOptions
  #savedMs = Number.NEGATIVE_INFINITY
  #trimmedMs = Number.NEGATIVE_INFINITY
  #saving: Promise<void> = Promise.resolve()
  #isSaving = false
  #stopped = false

  constructor(options: CheckpointsOptions) {
    this.#options = options
  }

  /** Begins what is worth doing now, beside everything else. */
  consider(): void {
    if (this.#stopped || this.#isSaving) return
    const { index, changes, platform, log } = this.#options
    const nowMs = platform.clock.monotonicMs()
    if (index.changes >= changes && nowMs - this.#savedMs >= INTERVAL_MS) void this.#save()
    else if (nowMs - this.#trimmedMs >= INTERVAL_MS && log.view().segments > 1) {
      this.#trimmedMs = nowMs
      void this.#inTurn(() => this.#trim())
    }
  }

  /** Writes the index a last time. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#save()
  }

  /** Nothing is written any more. */
  async drop(): Promise<void> {
    this.#stopped = true
    await this.#saving
  }

  #save(): Promise<void> {
    const { index, platform } = this.#options
    this.#savedMs = platform.clock.monotonicMs()
    this.#isSaving = true
    index.changes = 0
    return this.#inTurn(() => this.#write())
  }

  /** Never rejects: an index that is not written costs a longer start. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const { log, platform } = this.#options
    this.#saving = this.#saving.then(work).then(
      () => {
        this.#isSaving = false
      },
      (error: unknown) => {
        this.#isSaving = false
        if (!log.isOpen) return
        platform.logger.warn({ topic: log.topic, partition: log.index, error }, 'delays not saved')
      },
    )
    return this.#saving
  }

  async #write(): Promise<void> {
    const { index, store, marks, log, covered } = this.#options
    if (!log.isOpen) return
    const covers = covered()
    const producers = log.producers()
    await store.save(
      index,
      { covers, through: marks.through, counts: index.counts },
      log.offsets().start,
    )
    if (producers !== undefined) await store.saveProducers(producers)
    index.dropFinal(covers)
    await this.#trim()
  }

  async #trim(): Promise<void> {
    const { index, log, covered } = this.#options
    if (!log.isOpen) return
    const before = Math.min(index.firstOpen() ?? Number.POSITIVE_INFINITY, covered())
    if (before > log.offsets().start && log.view().segments > 1) {
      await log.truncateBefore(offset(before))
    }
  }
}
