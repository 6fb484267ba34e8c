/**
 * The delayed messages of one topic partition: a log in which they lie until they are due, and which is also the
 * journal of what becomes of them; an index of it in memory; and the loop that delivers.
 *
 *   schedule    record appended, on disk           -> pending, and its timer is set
 *   time comes  -> due -> appended to the topic, on disk -> delivered, marked within half a second
 *   cancel      -> changing -> control record on disk -> cancelled
 *   reschedule  -> changing -> control record on disk -> pending again
 */
import { failpoint } from '../kernel/failpoint.ts'
import type { Platform } from '../kernel/platform.ts'
import { isPriority, NORMAL_PRIORITY } from '../kernel/priority.ts'
import { KiB } from '../kernel/units.ts'
import type { LogEngine } from '../log/index.ts'
import {
  isControl,
  type RecordBatch,
  recordKeyBytes,
  recordKeyStart,
  type WireProducer,
} from '../record/index.ts'
import type { AppendedOnce, Partition, ProducersSnapshot } from '../topics/index.ts'
import type { Alarm } from './alarm.ts'
import { Changes } from './changes.ts'
import { Checkpoints } from './checkpoints.ts'
import { cancelBatch, rescheduleBatch } from './control.ts'
import { DelayIndex } from './delayIndex.ts'
import { takeDueTimes } from './dueTimes.ts'
import { Firing } from './firing.ts'
import { IndexPage, PAGE_ENTRIES, type PageOwner } from './indexPage.ts'
import { IndexStore } from './indexStore.ts'
import type { Lateness } from './lateness.ts'
import { LogAppends } from './logAppends.ts'
import { MarkWriter } from './markWriter.ts'
import { overdue } from './overdue.ts'
import { readRecords } from './reading.ts'
import { findDelivered, replayLog } from './replay.ts'
import type { DelaySettings } from './settings.ts'
import { STATE, stateWord } from './states.ts'
import type { DelayedMessage } from './types.ts'

export interface DelayLogOptions {
  readonly engine: LogEngine
  readonly platform: Platform
  readonly settings: DelaySettings
  readonly alarm: Alarm
  readonly lateness: Lateness
  /** Where the messages wait; not open yet. */
  readonly log: Partition
  /** The topic's partition. */
  readonly target: Partition
  /** Where the index lies, as the name of blobs. */
  readonly indexPath: string
}

/** Bytes of one read for the keys of a list. */
const KEYS_READ_BYTES = 16 * KiB

export class DelayLog implements PageOwner {
  readonly target: Partition
  readonly index: DelayIndex
  readonly #options: DelayLogOptions
  readonly #log: Partition
  readonly #store: IndexStore
  readonly #appends: LogAppends
  readonly #changes: Changes
  readonly #marks: MarkWriter
  readonly #firing: Firing
  readonly #checkpoints: Checkpoints
  /** Messages on their way in. */
  scheduling = 0

  constructor(options: DelayLogOptions) {
    const { engine, platform, log, target, lateness } = options
    this.#options = options
    this.#log = log
    this.target = target
    this.#appends = new LogAppends(log)
    this.index = new DelayIndex(this)
    this.#store = new IndexStore(engine.blobs, options.indexPath, platform.logger)
    this.#marks = new MarkWriter({
      platform,
      append: async (batch) => {
        await log.append(batch, 'leader')
      },
      onWritten: () => this.#checkpoints.consider(),
    })
    this.#firing = new Firing({
      platform,
      log,
      target,
      index: this.index,
      marks: this.#marks,
      onDelivered: (latenessMs) => lateness.note(latenessMs),
      onEarly: (offset) => this.#resume(offset),
    })
    this.#checkpoints = new Checkpoints({
      platform,
      log,
      index: this.index,
      store: this.#store,
      marks: this.#marks,
      changes: options.settings.checkpointChanges,
      covered: () => this.#appends.covered,
    })
    this.#changes = new Changes({
      target,
      index: this.index,
      appends: this.#appends,
      alarm: options.alarm,
      pageOf: (offset) => this.#pageOf(offset),
      resume: (offset) => this.#resume(offset),
    })
  }

  /** Why the log does not serve; undefined when all is well. */
  get problem(): string | undefined {
    return this.#log.problem
  }

  /**
   * Resolves when everything that waits is known, what was delivered before is told from what was not, and what is
   * due is on its way. Rejects as the log's opening does.
   */
  async open(): Promise<void> {
    const { engine, settings, alarm, platform } = this.#options
    const producers = (await this.#store.producers()) as ProducersSnapshot | undefined
    await this.#log.open(engine, settings.segmentBytes, producers)
    const { start, next } = this.#log.offsets()
    const saved = await this.#store.load(this.index, next)
    if (saved === undefined) this.#store.forget()
    const from = Math.max(start, Math.min(saved?.covers ?? start, next))
    const through = await replayLog(this.#log, from, this.index)
    this.#marks.resume(Math.max(through, saved?.through ?? 0))
    await this.#account()
    const late = overdue(this.index, platform.clock.nowMs())
    for (const offset of late) this.index.setState(offset, STATE.DUE)
    for (const page of this.index.pages()) {
      page.refresh()
      alarm.watchPage(page)
    }
    for (const offset of late) this.#firing.push(offset)
  }

  /** Resolves when the messages are on disk and wait. Rejects as an append does. */
  async schedule(batch: RecordBatch, producer: WireProducer | undefined): Promise<AppendedOnce> {
    const times = takeDueTimes(batch, this.target.index)
    this.scheduling += batch.count
    const learn = ({ result, isDuplicate }: AppendedOnce): void => {
      failpoint('delay.schedule.after-append')
      if (isDuplicate) return
      const { alarm } = this.#options
      this.index.addRun(result.baseOffset, times, result.timestampMs, (page, from, to) =>
        alarm.watchRun(page, from, to),
      )
    }
    try {
      const appended = await this.#appends.append(batch, { apply: learn, producer })
      this.#checkpoints.consider()
      return appended
    } finally {
      this.scheduling -= batch.count
    }
  }

  /**
   * Resolves when it will never be delivered; at once where it was cancelled before. Rejects with DELAYED_NOT_FOUND,
   * ALREADY_DELIVERED, or as an append does: it is then delivered as if nothing had been said.
   */
  async cancel(offset: number): Promise<void> {
    await this.#changes.make(offset, {
      isDone: (state) => state === STATE.CANCELLED,
      batch: () => cancelBatch(offset),
      apply: () => void this.index.settle(offset, STATE.CANCELLED),
    })
  }

  /** Resolves when it waits for another time. Rejects as {@link cancel} does, with ALREADY_DELIVERED also where it was cancelled. */
  async reschedule(offset: number, dueMs: number): Promise<void> {
    await this.#changes.make(offset, {
      isDone: () => false,
      batch: () => rescheduleBatch(offset, dueMs),
      apply: () => {
        this.index.setDue(offset, dueMs)
        this.#resume(offset)
      },
    })
  }

  /** Undefined where no message waits or waited. */
  async find(offset: number): Promise<DelayedMessage | undefined> {
    const page = await this.#pageOf(offset)
    const found = page && this.#described(page, offset % PAGE_ENTRIES)
    if (found === undefined) return undefined
    const [withKey = found] = await this.withKeys([found])
    return withKey
  }

  /** The same messages with their keys, where their records are still there; those without a key are not read for it. */
  async withKeys(messages: readonly DelayedMessage[]): Promise<readonly DelayedMessage[]> {
    const { start, next } = this.#log.offsets()
    const offsets = messages
      .map(({ offset }) => offset)
      .filter((offset) => offset >= start && offset < next && !this.index.isKeyless(offset))
    const found = await readRecords(this.#log, offsets, KEYS_READ_BYTES)
    return messages.map((message) => {
      const record = found.get(message.offset)
      if (record === undefined || isControl(record.bytes, record.at)) return message
      const { bytes, at } = record
      const length = recordKeyBytes(bytes, at)
      if (length === 0) return message
      const start = recordKeyStart(bytes, at)
      return { ...message, key: Buffer.from(bytes.subarray(start, start + length)) }
    })
  }

  /** An entry of the index as a message without its key; undefined where it is none. */
  describe(page: IndexPage, i: number): DelayedMessage | undefined {
    return this.#described(page, i)
  }

  /** The time of an entry has come. */
  due(offset: number): void {
    if (this.index.state(offset) !== STATE.PENDING) return
    this.index.setState(offset, STATE.DUE)
    this.#firing.push(offset)
  }

  /** Finishes what is under way, writes the index, closes the log. */
  async stop(): Promise<void> {
    await this.#firing.stop()
    await this.#marks.stop()
    await this.#checkpoints.stop()
    await this.#log.close('stopped')
  }

  /** Ends everything: the topic is gone. */
  async discard(): Promise<void> {
    for (const page of this.index.pages()) this.#options.alarm.forget(page)
    await this.#log.close('deleted')
    await this.#firing.stop()
    await this.#marks.stop()
    await this.#checkpoints.drop()
  }

  async #account(): Promise<void> {
    const { target } = this
    if (!target.isOpen) {
      this.#firing.doubtful = true
      return
    }
    const { next } = target.offsets()
    const through = this.#marks.through
    const delivered = await findDelivered({ target, index: this.index, through })
    if (delivered.length > 0) this.#marks.delivered(delivered, next)
  }

  #described(page: IndexPage, i: number): DelayedMessage | undefined {
    const state = stateWord(page.state(i))
    if (state === undefined) return undefined
    const priority = page.priorities[i] as number
    return {
      topic: this.target.topic,
      partition: this.target.index,
      offset: page.base + i,
      dueMs: page.dueMs[i] as number,
      publishedMs: page.publishedMs[i] as number,
      state,
      priority: isPriority(priority) ? priority : NORMAL_PRIORITY,
      key: undefined,
    }
  }

  /** The page in memory, or a copy of the one on disk, whose entries are all final. */
  async #pageOf(offset: number): Promise<IndexPage | undefined> {
    const page = this.index.page(offset)
    if (page !== undefined) return page
    const number = Math.floor(offset / PAGE_ENTRIES)
    const copy = await this.#store.read(number, new IndexPage(this, number))
    if (copy !== undefined || !this.#store.has(number)) return copy
    // It should be there and is not: the log knows.
    const scratch = new DelayIndex(this)
    await replayLog(this.#log, this.#log.offsets().start, scratch)
    return scratch.page(offset)
  }

  #resume(offset: number): void {
    this.index.setState(offset, STATE.PENDING)
    this.#watch(offset)
  }

  #watch(offset: number): void {
    const page = this.index.page(offset)
    if (page?.state(offset % PAGE_ENTRIES) !== STATE.PENDING) return
    this.#options.alarm.watch(page, offset % PAGE_ENTRIES)
  }
}
