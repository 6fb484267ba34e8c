/** A topic: its partitions, its configuration, where its next records without a key go, and who waits for any of it. */
import { BrokerError } from '../kernel/errors.ts'
import type { Platform } from '../kernel/platform.ts'
import { KiB } from '../kernel/units.ts'
import { StickyPartitioner } from '../record/index.ts'
import { type TopicEntry, topicDirectory } from './catalogue.ts'
import type { TopicConfig } from './config.ts'
import { IdempotencyWindow } from './idempotency.ts'
import { Partition } from './partition.ts'
import type { TopicView } from './types.ts'
import { type Wait, type WaiterBudget, WaitQueue } from './waiters.ts'

/** A sticky batch ends with the turn of the event loop, or when it got this large. */
const STICKY_BATCH_BYTES = 64 * KiB

/** What a topic shares with all others. */
export interface TopicContext {
  readonly platform: Platform
  readonly waiters: WaiterBudget
  /** Told of the bytes of each append to come. */
  readonly onAppending: (bytes: number) => void
}

export class Topic {
  readonly id: number
  readonly name: string
  readonly createdAtMs: number
  readonly partitions: readonly Partition[]
  /** Requests that named themselves. */
  readonly requests = new IdempotencyWindow()
  readonly #sticky: StickyPartitioner
  readonly #waiters: WaitQueue
  #config: TopicConfig
  /** Counts appends to any partition: what a reader of the whole topic waits for to move. */
  #version = 0
  #stickyBytes = 0
  #turnEnds = false

  constructor(entry: TopicEntry, { platform, waiters, onAppending }: TopicContext) {
    this.id = entry.id
    this.name = entry.name
    this.createdAtMs = entry.createdAtMs
    this.#config = entry.config
    const onGrown = (): void => this.#grown()
    this.partitions = Array.from(
      { length: entry.partitions },
      (_, index) =>
        new Partition({
          topic: entry.name,
          index,
          path: `${topicPath(entry)}/${index}`,
          clock: platform.clock,
          waiters,
          onGrown,
          onAppending,
        }),
    )
    this.#sticky = new StickyPartitioner(
      entry.partitions,
      Math.floor(platform.random() * entry.partitions),
    )
    this.#waiters = new WaitQueue(waiters, platform.clock)
  }

  get path(): string {
    return topicPath(this)
  }

  get config(): TopicConfig {
    return this.#config
  }

  get version(): number {
    return this.#version
  }

  /** Takes effect on the next publish, the next retention run and the next segment. */
  configure(config: TopicConfig): void {
    this.#config = config
    for (const partition of this.partitions) partition.setSegmentBytes(config.segmentBytes)
  }

  /** Throws PARTITION_NOT_FOUND. */
  partition(index: number): Partition {
    const partition = this.partitions[index]
    if (partition !== undefined) return partition
    const last = this.partitions.length - 1
    throw new BrokerError(
      'PARTITION_NOT_FOUND',
      `topic ${this.name} has partitions 0 to ${last}, not ${index}`,
    )
  }

  /** Where records without a key go now; one that does not serve is passed over where another does. */
  stickyPartition(): number {
    if (!this.#isOpen(this.#sticky.current)) this.#sticky.rotate(this.#isOpen)
    return this.#sticky.current
  }

  /** Notes that records went to {@link stickyPartition}. */
  placed(records: number, bytes: number): void {
    this.#sticky.place(records)
    this.#stickyBytes += bytes
    if (this.#stickyBytes >= STICKY_BATCH_BYTES) this.#rotate()
    if (this.#turnEnds) return
    this.#turnEnds = true
    setImmediate(() => {
      this.#turnEnds = false
      if (this.#stickyBytes > 0) this.#rotate()
    })
  }

  /** Resolves with true when anything was appended after `version`, with false when the time is up. */
  waitBeyond(version: number, wait: Wait): Promise<boolean> {
    if (this.#version > version) return Promise.resolve(true)
    return this.#waiters.wait(version, wait)
  }

  view(): TopicView {
    return {
      name: this.name,
      partitions: this.partitions.map((partition) => partition.view()),
      config: this.#config,
      createdAtMs: this.createdAtMs,
    }
  }

  releaseWaiters(): void {
    this.#waiters.release()
    for (const partition of this.partitions) partition.releaseWaiters()
  }

  failWaiters(error: BrokerError): void {
    this.#waiters.fail(error)
  }

  #rotate(): void {
    this.#stickyBytes = 0
    this.#sticky.rotate(this.#isOpen)
  }

  readonly #isOpen = (index: number): boolean => this.partitions[index]?.isOpen === true

  #grown(): void {
    this.#version += 1
    this.#waiters.wake(this.#version)
  }
}

const topicPath = (entry: Pick<TopicEntry, 'name' | 'id'>): string =>
  `topics/${topicDirectory(entry)}`
