/**
 * Delayed messages: each lies in a delay log of its topic partition until its time, and is then appended to the
 * partition like any publish, once.
 *
 *   delay/<topic>~<id>/<partition>/…          the delay log, see delayLog.ts
 *   delay/<topic>~<id>/index-<partition>/…    its index, see indexStore.ts
 *
 * A topic that is deleted takes its delayed messages along; what a crash leaves of them is removed at the next start.
 */
import { BrokerError } from '../kernel/errors.ts'
import type { HealthCheck } from '../kernel/health.ts'
import type { Platform } from '../kernel/platform.ts'
import { Service } from '../kernel/service.ts'
import type { LogEngine } from '../log/index.ts'
import type { PartitionedRun, WireProducer } from '../record/index.ts'
import type { AppendedOnce, LaterAppends, Topic, Topics } from '../topics/index.ts'
import { Alarm } from './alarm.ts'
import type { DelayLog } from './delayLog.ts'
import type { IndexPage } from './indexPage.ts'
import { PAGE_ENTRIES } from './indexPage.ts'
import { Lateness } from './lateness.ts'
import { listPending } from './listing.ts'
import { DEFAULT_DELAY_SETTINGS, type DelaySettings } from './settings.ts'
import { DELAY_ROOT, type DelayContext, directoryOf, TopicDelays } from './topicDelays.ts'
import type {
  DelayedList,
  DelayedMessage,
  DelayedPlace,
  DelayFigures,
  DelayStats,
  ListQuery,
  TopicDelayStats,
} from './types.ts'

/** Topics whose delay logs are opened at the same time. */
const CONCURRENCY = 8
const RETRY_AFTER_MS = 1_000
const NOTHING: TopicDelayStats = { pending: 0, delivered: 0, cancelled: 0, expired: 0 }

export interface DelayOptions {
  readonly engine: LogEngine
  readonly platform: Platform
  readonly topics: Topics
  readonly settings?: Partial<DelaySettings> | undefined
}

export class Delay extends Service {
  readonly settings: DelaySettings
  readonly #engine: LogEngine
  readonly #platform: Platform
  readonly #topics: Topics
  readonly #alarm: Alarm
  readonly #lateness = new Lateness()
  readonly #context: DelayContext
  /** By the topic's id. */
  readonly #delays = new Map<number, TopicDelays>()
  /** Deletions under way. */
  readonly #discards = new Set<Promise<void>>()
  /** Counts of topics that are gone. */
  #gone: TopicDelayStats = NOTHING
  #unsubscribe: () => void = () => undefined

  constructor({ engine, platform, topics, settings }: DelayOptions) {
    super()
    this.settings = { ...DEFAULT_DELAY_SETTINGS, ...settings }
    this.#engine = engine
    this.#platform = platform
    this.#topics = topics
    this.#alarm = new Alarm({
      clock: platform.clock,
      horizonMs: this.settings.horizonMs,
      pages: () => this.#pages(),
      isIdle: () => this.#pending() === 0,
    })
    this.#context = {
      engine,
      platform,
      settings: this.settings,
      alarm: this.#alarm,
      lateness: this.#lateness,
    }
  }

  /** Takes the records of a publish that are for later; for one request. */
  laterAppends(topic: Topic): LaterAppends {
    return {
      prepare: async (runs) => await this.#prepare(topic, runs),
      append: async (run, producer) => await this.#schedule(topic, run, producer),
    }
  }

  /** Waiting messages by their times. Rejects with TOPIC_NOT_FOUND. */
  async list(name: string, query: ListQuery): Promise<DelayedList> {
    const delays = this.#delays.get(this.#topics.get(name).id)
    if (delays === undefined) return { messages: [], next: undefined }
    const logs = [...delays.logs()].map(({ target, index }) => ({
      partition: target.index,
      pages: index.pages(),
    }))
    const places = await listPending(logs, query, this.#platform.clock)
    const messages = await this.#described(delays, places)
    return { messages, next: places.length < query.limit ? undefined : places.at(-1) }
  }

  /** In any state. Without a partition the first one that has such a message. Rejects with TOPIC_NOT_FOUND, DELAYED_NOT_FOUND. */
  async get(name: string, partition: number | undefined, offset: number): Promise<DelayedMessage> {
    const topic = this.#topics.get(name)
    const delays = this.#delays.get(topic.id)
    if (partition !== undefined) topic.partition(partition)
    const partitions =
      partition === undefined ? topic.partitions.map(({ index }) => index) : [partition]
    for (const each of partitions) {
      const found = await delays?.find(each)?.find(offset)
      if (found !== undefined) return found
    }
    throw notFound(name, partition, offset)
  }

  /** As {@link DelayLog.cancel}. */
  async cancel(name: string, place: DelayedPlace): Promise<void> {
    await this.#logOf(name, place).cancel(place.offset)
  }

  /** As {@link DelayLog.reschedule}; resolves with the message as it is then. */
  async reschedule(name: string, place: DelayedPlace, dueMs: number): Promise<DelayedMessage> {
    const log = this.#logOf(name, place)
    await log.reschedule(place.offset, dueMs)
    const found = await log.find(place.offset)
    if (found === undefined) throw notFound(name, place.partition, place.offset)
    return found
  }

  stats(): DelayStats {
    const topics = new Map<string, TopicDelayStats>()
    let [delaySumMs, delayCount] = [0, 0]
    for (const delays of this.#delays.values()) {
      topics.set(delays.topic.name, delays.counts())
      for (const { index } of delays.logs()) {
        delaySumMs += index.delaySumMs
        delayCount += index.delayCount
      }
    }
    const sum = sumOf(this.#gone, topics.values())
    return {
      ...sum,
      delayMsMean: delayCount === 0 ? 0 : delaySumMs / delayCount,
      lateness: this.#lateness.view(),
      topics,
      timerLevels: this.#alarm.levels(),
      untimed: Math.max(0, sum.pending - this.#alarm.size),
    }
  }

  figures(): DelayFigures {
    const counts = [...this.#delays.values()].map((delays) => delays.counts())
    return { ...sumOf(this.#gone, counts), lateness: this.#lateness }
  }

  health(): HealthCheck {
    const problems = [...this.#delays.values()].flatMap((delays) => delays.problems())
    const status = problems.length === 0 ? 'pass' : 'warn'
    const message = problems.length === 0 ? `${this.#pending()} messages wait` : problems.join('; ')
    return { name: 'delay', status, message }
  }

  protected async onStart(): Promise<void> {
    this.#unsubscribe = this.#topics.onChanged((name) => this.#changed(name))
    const directories = await this.#engine.list(DELAY_ROOT)
    await this.#removeLeftovers(directories)
    const known = new Set(directories)
    const topics = [...this.#topics.all()].filter((topic) => known.has(directoryOf(topic)))
    const rest = topics[Symbol.iterator]()
    const opener = async (): Promise<void> => {
      for (const topic of rest) await this.#of(topic).openExisting()
    }
    await Promise.all(Array.from({ length: CONCURRENCY }, opener))
  }

  protected async onStop(): Promise<void> {
    this.#unsubscribe()
    this.#alarm.stop()
    await Promise.allSettled(this.#discards)
    for (const delays of this.#delays.values()) await delays.stop()
  }

  async #prepare(topic: Topic, runs: readonly PartitionedRun[]): Promise<void> {
    const delays = this.#of(topic)
    for (const { partition } of runs) await delays.log(partition)
    const more = runs.reduce((sum, { batch }) => sum + batch.count, 0)
    const { pendingMax } = this.settings
    if (this.#pending() + more <= pendingMax) return
    throw new BrokerError('LIMIT_REACHED', `${pendingMax} messages wait already, no more may`, {
      retryAfterMs: RETRY_AFTER_MS,
    })
  }

  async #schedule(
    topic: Topic,
    { partition, batch }: PartitionedRun,
    producer: WireProducer | undefined,
  ): Promise<AppendedOnce> {
    const log = this.#of(topic).find(partition)
    if (log === undefined) throw new BrokerError('TOPIC_NOT_FOUND', `there is no ${topic.name}`)
    return await log.schedule(batch, producer)
  }

  #of(topic: Topic): TopicDelays {
    let delays = this.#delays.get(topic.id)
    if (delays === undefined) {
      delays = new TopicDelays(topic, this.#context)
      this.#delays.set(topic.id, delays)
    }
    return delays
  }

  #logOf(name: string, { partition, offset }: DelayedPlace) {
    const topic = this.#topics.get(name)
    topic.partition(partition)
    const log = this.#delays.get(topic.id)?.find(partition)
    if (log === undefined) throw notFound(name, partition, offset)
    return log
  }

  /** Keys are read from the delay logs, those of one log together. */
  async #described(
    delays: TopicDelays,
    places: readonly DelayedPlace[],
  ): Promise<readonly DelayedMessage[]> {
    const byPlace = new Map<DelayedPlace, DelayedMessage>()
    const ofLog = async (log: DelayLog): Promise<void> => {
      const own = places.filter(({ partition }) => partition === log.target.index)
      const described = own.flatMap(({ offset }) => {
        const page = log.index.page(offset)
        return (page && log.describe(page, offset % PAGE_ENTRIES)) ?? []
      })
      const withKeys = new Map((await log.withKeys(described)).map((each) => [each.offset, each]))
      for (const place of own) {
        const message = withKeys.get(place.offset)
        if (message !== undefined) byPlace.set(place, message)
      }
    }
    await Promise.all(Array.from(delays.logs(), ofLog))
    return places.flatMap((place) => byPlace.get(place) ?? [])
  }

  #pending(): number {
    let pending = 0
    for (const delays of this.#delays.values()) {
      for (const { index, scheduling } of delays.logs()) pending += index.open + scheduling
    }
    return pending
  }

  *#pages(): Generator<IndexPage> {
    for (const delays of this.#delays.values()) {
      for (const { index } of delays.logs()) yield* index.pages()
    }
  }

  async #removeLeftovers(directories: readonly string[]): Promise<void> {
    const { logger } = this.#platform
    for (const directory of this.#topics.retired(directories)) {
      try {
        await this.#engine.remove(`${DELAY_ROOT}/${directory}`)
        logger.info({ directory }, 'removed the delayed messages of a deleted topic')
      } catch (error) {
        logger.warn({ directory, error }, 'cannot remove the delayed messages of a deleted topic')
      }
    }
  }

  /** A topic was made or deleted. */
  #changed(name: string): void {
    for (const [id, delays] of this.#delays) {
      if (delays.topic.name !== name || this.#topics.find(name)?.id === id) continue
      this.#gone = { ...sumOf(this.#gone, [delays.counts()]), pending: 0 }
      this.#delays.delete(id)
      const discard = this.#discard(delays).finally(() => this.#discards.delete(discard))
      this.#discards.add(discard)
    }
  }

  async #discard(delays: TopicDelays): Promise<void> {
    try {
      await delays.discard()
    } catch (error) {
      const fields = { topic: delays.topic.name, path: delays.path, error }
      this.#platform.logger.warn(
        fields,
        'delayed messages of a deleted topic left for the next start',
      )
    }
  }
}

function sumOf(start: TopicDelayStats, all: Iterable<TopicDelayStats>): TopicDelayStats {
  let { pending, delivered, cancelled, expired } = start
  for (const counts of all) {
    pending += counts.pending
    delivered += counts.delivered
    cancelled += counts.cancelled
    expired += counts.expired
  }
  return { pending, delivered, cancelled, expired }
}

const notFound = (topic: string, partition: number | undefined, offset: number): BrokerError => {
  const where = partition === undefined ? topic : `${topic}-${partition}`
  return new BrokerError('DELAYED_NOT_FOUND', `there is no delayed message ${where} ${offset}`)
}
