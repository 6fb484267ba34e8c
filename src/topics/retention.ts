/** Asks every partition, once a minute, to let go of what its topic's policy no longer keeps. */
import type { Platform, Timer } from '../kernel/platform.ts'
import { eachBounded } from './eachBounded.ts'
import type { Partition } from './partition.ts'
import type { Topic } from './topic.ts'

const CONCURRENCY = 4

export interface RetentionOptions {
  readonly platform: Platform
  readonly intervalMs: number
  readonly topics: () => Iterable<Topic>
}

/** Since the start. */
export interface RetentionMeters {
  removedRecords: number
  /** Partitions in which it failed. */
  failures: number
}

export class Retention {
  readonly meters: RetentionMeters = { removedRecords: 0, failures: 0 }
  readonly #options: RetentionOptions
  #timer: Timer | undefined
  #running: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(options: RetentionOptions) {
    this.#options = options
  }

  start(): void {
    const { platform, intervalMs } = this.#options
    this.#timer = platform.clock.setTimer(intervalMs, () => {
      void this.run().then(() => {
        if (!this.#stopped) this.start()
      })
    })
  }

  /** One run over all partitions, after the one that is under way if any. Never rejects. */
  run(): Promise<void> {
    const run = this.#running.then(() => this.#runOnce())
    this.#running = run
    return run
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    await this.#running
  }

  async #runOnce(): Promise<void> {
    const all = [...this.#options.topics()]
    await eachBounded(
      all.flatMap((topic) => topic.partitions.map((partition) => ({ topic, partition }))),
      CONCURRENCY,
      async ({ topic, partition }) => await this.#retain(topic, partition),
    )
  }

  async #retain(topic: Topic, partition: Partition): Promise<void> {
    const { retentionMs, retentionBytes } = topic.config
    if (this.#stopped || !partition.isOpen || (retentionMs ?? retentionBytes) === null) return
    try {
      const before = partition.offsets().start
      const start = await partition.retain({
        maxAgeMs: retentionMs ?? undefined,
        maxBytes: retentionBytes ?? undefined,
      })
      if (start === before) return
      this.meters.removedRecords += start - before
      this.#options.platform.logger.info(
        { topic: topic.name, partition: partition.index, from: before, to: start },
        'retention removed records',
      )
    } catch (error) {
      if (!partition.isOpen) return
      this.meters.failures += 1
      this.#options.platform.logger.warn(
        { topic: topic.name, partition: partition.index, error },
        'retention failed',
      )
    }
  }
}
