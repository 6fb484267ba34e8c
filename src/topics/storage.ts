/**
 * The logs and files of topics: opened when the catalogue says that a topic is, closed and removed when it no
 * longer does. Knows nothing of names that are looked up and nothing of what is decided.
 */
import { failpoint } from '../kernel/failpoint.ts'
import type { Platform, Timer } from '../kernel/platform.ts'
import type { LogEngine } from '../log/index.ts'
import { type Catalogue, leftovers, topicNotFound } from './catalogue.ts'
import { eachBounded } from './eachBounded.ts'
import type { Partition } from './partition.ts'
import { ProducerSnapshotStore } from './producerSnapshots.ts'
import type { ProducersSnapshot } from './producers.ts'
import type { Topic } from './topic.ts'

/** Logs opened or closed at the same time: enough to keep a disk busy, few enough file operations in one queue. */
const CONCURRENCY = 32
/** How long stopping waits for reads under way; then their logs are closed all the same. */
const READERS_TIMEOUT_MS = 2000

export interface TopicStorageOptions {
  readonly engine: LogEngine
  readonly platform: Platform
  /** All that are open now. */
  readonly partitions: () => Iterable<Partition>
}

export class TopicStorage {
  readonly #engine: LogEngine
  readonly #platform: Platform
  readonly #producers: ProducerSnapshotStore

  constructor({ engine, platform, partitions }: TopicStorageOptions) {
    this.#engine = engine
    this.#platform = platform
    this.#producers = new ProducerSnapshotStore({
      blobs: engine.blobs,
      logger: platform.logger,
      collect: () => producersOf(partitions()),
    })
  }

  /** Notes an append, so that the producers are saved now and then. */
  appended(bytes: number): void {
    this.#producers.appended(bytes)
  }

  /** Opens every partition of a new topic; rejects with the first that will not open. */
  async openNew(topic: Topic): Promise<void> {
    const { segmentBytes } = topic.config
    await eachBounded(topic.partitions, CONCURRENCY, async (partition) => {
      await partition.open(this.#engine, segmentBytes)
    })
  }

  /** Opens what there was before; a partition that will not open is unavailable and the rest goes on. */
  async openExisting(topics: readonly Topic[]): Promise<void> {
    const all = topics.flatMap((topic) =>
      topic.partitions.map((partition) => ({ partition, bytes: topic.config.segmentBytes })),
    )
    const producers = await this.#producers.load()
    await eachBounded(all, CONCURRENCY, async ({ partition, bytes }) => {
      try {
        await partition.open(this.#engine, bytes, producers.get(partition.path))
      } catch (error) {
        this.#platform.logger.error({ ...named(partition), error }, 'partition unavailable')
      }
    })
  }

  async closeAll(partitions: Iterable<Partition>): Promise<void> {
    const { clock, logger } = this.#platform
    await this.#producers.save()
    let timer: Timer | undefined
    const patience = new Promise<void>((resolve) => {
      timer = clock.setTimer(READERS_TIMEOUT_MS, resolve)
    })
    await eachBounded(partitions, CONCURRENCY, async (partition) => {
      try {
        await partition.close('stopped', patience)
      } catch (error) {
        logger.warn({ ...named(partition), error }, 'partition not closed')
      }
    })
    timer?.cancel()
  }

  /** Ends everything that goes on in a topic that is no longer in the catalogue, and removes its files. */
  async discard(topic: Topic): Promise<void> {
    topic.failWaiters(topicNotFound(topic.name))
    try {
      await Promise.all(topic.partitions.map((partition) => partition.close('deleted')))
      await this.#engine.remove(topic.partition(0).path)
      failpoint('topic.delete.half-removed')
      await this.#engine.remove(topic.path)
    } catch (error) {
      const fields = { topic: topic.name, path: topic.path, error }
      this.#platform.logger.warn(fields, 'files of a deleted topic left for the next start')
    }
  }

  /** Rejects with LOG_CORRUPT where the catalogue is older than what lies here. */
  async removeLeftovers(catalogue: Catalogue): Promise<void> {
    const { logger } = this.#platform
    for (const directory of leftovers(catalogue, await this.#engine.list('topics'))) {
      try {
        await this.#engine.remove(`topics/${directory}`)
        logger.info({ directory }, 'removed what was left of a deleted topic')
      } catch (error) {
        logger.warn({ directory, error }, 'cannot remove what is left of a deleted topic')
      }
    }
  }
}

function* producersOf(
  partitions: Iterable<Partition>,
): Generator<readonly [string, ProducersSnapshot]> {
  for (const partition of partitions) {
    const producers = partition.producers()
    if (producers !== undefined) yield [partition.path, producers]
  }
}

const named = ({ topic, index }: Partition) => ({ topic, partition: index })
