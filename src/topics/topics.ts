/**
 * The topics of a broker: the catalogue and every open partition.
 *
 * A change is decided and journaled by the catalogue first, then made true: logs are opened, or waiters told, logs
 * closed and files removed. A crash between the two is finished at the next start: what the catalogue knows is
 * opened (and made where it is missing), what it no longer knows is removed. Lookups see a topic from the moment
 * it can be used until its deletion is durable.
 */
import { BrokerError } from '../kernel/errors.ts'
import { failpoint } from '../kernel/failpoint.ts'
import type { HealthCheck } from '../kernel/health.ts'
import type { Platform } from '../kernel/platform.ts'
import { Service } from '../kernel/service.ts'
import type { LogEngine } from '../log/index.ts'
import { StateRunner } from '../state/index.ts'
import {
  Catalogue,
  type CatalogueSnapshot,
  catalogueCodec,
  leftovers,
  type TopicCommand,
  type TopicEntry,
  type TopicEvent,
  topicNotFound,
} from './catalogue.ts'
import type { TopicConfig } from './config.ts'
import { Fetcher } from './fetch.ts'
import type { Partition } from './partition.ts'
import { checkedTopic, type NewTopic } from './request.ts'
import { Retention, type RetentionMeters } from './retention.ts'
import { DEFAULT_TOPICS_SETTINGS, type TopicsSettings } from './settings.ts'
import { TopicStorage } from './storage.ts'
import { Topic, type TopicContext } from './topic.ts'
import { WaiterBudget } from './waiters.ts'

export interface TopicsOptions {
  readonly engine: LogEngine
  readonly platform: Platform
  readonly settings?: Partial<TopicsSettings> | undefined
}

export class Topics extends Service {
  readonly settings: TopicsSettings
  readonly #storage: TopicStorage
  readonly #platform: Platform
  readonly #catalogue: Catalogue
  readonly #runner: StateRunner<TopicCommand, TopicEvent, TopicEntry, CatalogueSnapshot>
  readonly #waiters: WaiterBudget
  readonly #topicContext: TopicContext
  readonly #retention: Retention
  readonly #live = new Map<string, Topic>()
  /** Reads over many partitions at once. */
  readonly fetcher: Fetcher
  readonly #changeListeners = new Set<(name: string) => void>()
  /** Creations and deletions under way: stopping waits for them. */
  readonly #changes = new Set<Promise<unknown>>()
  /** By id: topics in the catalogue whose logs are being opened. */
  readonly #opening = new Map<number, Promise<Topic>>()
  #released = false
  #stopping = false

  constructor({ engine, platform, settings }: TopicsOptions) {
    super()
    this.settings = { ...DEFAULT_TOPICS_SETTINGS, ...settings }
    this.#storage = new TopicStorage({ engine, platform, partitions: () => this.#partitions() })
    this.#platform = platform
    this.#catalogue = new Catalogue(this.settings)
    this.#runner = new StateRunner({
      name: 'topics',
      machine: this.#catalogue,
      codec: catalogueCodec,
      engine,
      platform,
      acks: 'all',
    })
    this.#waiters = new WaiterBudget(this.settings.waitersMax)
    this.#topicContext = {
      platform,
      waiters: this.#waiters,
      onAppending: (bytes) => this.#storage.appended(bytes),
    }
    this.fetcher = new Fetcher({
      topic: (name) => this.get(name),
      clock: platform.clock,
      waiters: this.#waiters,
      onChanged: (listener) => this.onChanged(listener),
    })
    this.#retention = new Retention({
      platform,
      intervalMs: this.settings.retentionIntervalMs,
      topics: () => this.#live.values(),
    })
  }

  /** Long polls that wait now. */
  get waiterCount(): number {
    return this.#waiters.count
  }

  get count(): number {
    return this.#live.size
  }

  get retentionMeters(): Readonly<RetentionMeters> {
    return this.#retention.meters
  }

  /** In no particular order. */
  all(): Iterable<Topic> {
    return this.#live.values()
  }

  /** Sorted. */
  names(): readonly string[] {
    return [...this.#live.keys()].sort()
  }

  find(name: string): Topic | undefined {
    return this.#live.get(name)
  }

  /** Throws TOPIC_NOT_FOUND. */
  get(name: string): Topic {
    const topic = this.#live.get(name)
    if (topic === undefined) throw topicNotFound(name)
    return topic
  }

  /**
   * Those of the directories, named as topics' are, whose topics were deleted. Throws LOG_CORRUPT where one is newer
   * than the catalogue.
   */
  retired(directories: readonly string[]): readonly string[] {
    return leftovers(this.#catalogue, directories)
  }

  /**
   * Calls `listener` with the name of each topic that was made or deleted, in the turn in which lookups see it.
   * Returns how to stop listening. The listener must not throw.
   */
  onChanged(listener: (name: string) => void): () => void {
    this.#changeListeners.add(listener)
    return () => void this.#changeListeners.delete(listener)
  }

  /**
   * Resolves when the topic is in the catalogue on disk and its partitions are open. Rejects with TOPIC_EXISTS,
   * LIMIT_REACHED, or INVALID_TOPIC_NAME, INVALID_PARTITIONS or INVALID_CONFIG (`fields` name all that is wrong);
   * where its logs would not open the topic is taken back and the rejection says why.
   */
  async create(request: NewTopic): Promise<Topic> {
    const checked = checkedTopic(request, this.settings)
    return await this.#tracked(() => this.#create({ type: 'create', ...checked }))
  }

  /** Resolves when the change is on disk and in force. Rejects with TOPIC_NOT_FOUND or INVALID_CONFIG. */
  async configure(name: string, change: Partial<TopicConfig>): Promise<Topic> {
    return await this.#tracked(() => this.#configure(name, change))
  }

  /**
   * Resolves when the topic is gone from the catalogue on disk and its files are removed; what cannot be removed
   * now goes at the next start. Waiting readers get TOPIC_NOT_FOUND, reads under way finish first.
   */
  async delete(name: string): Promise<void> {
    await this.#tracked(() => this.#delete(name))
  }

  /** One retention run over all partitions, as the timer does it. Never rejects. */
  async runRetention(): Promise<void> {
    await this.#retention.run()
  }

  /** Answers all long polls with what there is; later ones do not wait. The first step of stopping. */
  releaseWaiters(): void {
    this.#released = true
    this.fetcher.release()
    for (const topic of this.#live.values()) topic.releaseWaiters()
  }

  /** One line per partition that does not serve. */
  problems(): readonly string[] {
    const lines: string[] = []
    for (const { topic, index, problem } of this.#partitions()) {
      if (problem !== undefined) lines.push(`${topic}-${index}: ${problem}`)
    }
    return lines
  }

  totalSizeBytes(): number {
    let total = 0
    for (const partition of this.#partitions()) total += partition.view().sizeBytes
    return total
  }

  health(): readonly HealthCheck[] {
    const problems = this.problems()
    const message = problems.length === 0 ? `${this.count} topics` : problems.join('; ')
    return [
      { ...this.#runner.health(), name: 'catalogue' },
      { name: 'partitions', status: problems.length === 0 ? 'pass' : 'warn', message },
    ]
  }

  protected async onStart(): Promise<void> {
    await this.#runner.start()
    await this.#storage.removeLeftovers(this.#catalogue)
    const topics = this.#catalogue.topics().map((entry) => new Topic(entry, this.#topicContext))
    for (const topic of topics) this.#live.set(topic.name, topic)
    await this.#storage.openExisting(topics)
    this.#retention.start()
  }

  protected async onStop(): Promise<void> {
    this.#stopping = true
    this.releaseWaiters()
    await this.#retention.stop()
    await Promise.allSettled(this.#changes)
    await this.#storage.closeAll(this.#partitions())
    await this.#runner.stop()
  }

  async #create(command: TopicCommand & { type: 'create' }): Promise<Topic> {
    const entry = await this.#runner.submit(command)
    failpoint('topic.create.after-journal')
    const opening = this.#openNew(new Topic(entry, this.#topicContext))
    this.#opening.set(entry.id, opening)
    try {
      return await opening
    } finally {
      this.#opening.delete(entry.id)
    }
  }

  async #openNew(topic: Topic): Promise<Topic> {
    try {
      await this.#storage.openNew(topic)
    } catch (error) {
      await this.#takeBack(topic)
      throw error
    }
    const entry = this.#catalogue.get(topic.name)
    if (entry?.id !== topic.id) {
      await this.#storage.discard(topic)
      throw topicNotFound(topic.name)
    }
    topic.configure(entry.config)
    if (this.#released) topic.releaseWaiters()
    this.#live.set(topic.name, topic)
    this.#tellChanged(topic.name)
    return topic
  }

  async #configure(name: string, change: Partial<TopicConfig>): Promise<Topic> {
    const entry = await this.#runner.submit({ type: 'configure', name, change })
    await this.#opening.get(entry.id)
    const topic = this.#live.get(name)
    if (topic === undefined || topic.id !== entry.id) throw topicNotFound(name)
    topic.configure(entry.config)
    return topic
  }

  async #delete(name: string): Promise<void> {
    const entry = await this.#runner.submit({ type: 'delete', name })
    failpoint('topic.delete.after-journal')
    // One that is only just being made sees for itself that it is gone.
    await this.#opening.get(entry.id)?.catch(() => undefined)
    const topic = this.#live.get(name)
    if (topic?.id !== entry.id) return
    this.#live.delete(name)
    this.#tellChanged(name)
    await this.#storage.discard(topic)
  }

  #tellChanged(name: string): void {
    for (const listener of [...this.#changeListeners]) listener(name)
  }

  async #takeBack(topic: Topic): Promise<void> {
    try {
      await this.#runner.submit({ type: 'delete', name: topic.name })
    } catch (error) {
      this.#platform.logger.warn({ topic: topic.name, error }, 'topic not taken back')
    }
    await this.#storage.discard(topic)
  }

  async #tracked<T>(make: () => Promise<T>): Promise<T> {
    if (this.#stopping) throw new BrokerError('SHUTTING_DOWN', 'the broker is stopping')
    const change = make()
    this.#changes.add(change)
    try {
      return await change
    } finally {
      this.#changes.delete(change)
    }
  }

  *#partitions(): Generator<Partition> {
    for (const topic of this.#live.values()) yield* topic.partitions
  }
}
