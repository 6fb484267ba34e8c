/** The delay logs of one topic: one to each partition, made when the first message is to wait there. */
import { BrokerError } from '../kernel/errors.ts'
import type { Platform } from '../kernel/platform.ts'
import type { LogEngine } from '../log/index.ts'
import { Partition, type Topic, WaiterBudget } from '../topics/index.ts'
import type { Alarm } from './alarm.ts'
import type { EntryCounts } from './delayIndex.ts'
import { DelayLog } from './delayLog.ts'
import type { Lateness } from './lateness.ts'
import type { DelaySettings } from './settings.ts'

export interface DelayContext {
  readonly engine: LogEngine
  readonly platform: Platform
  readonly settings: DelaySettings
  readonly alarm: Alarm
  readonly lateness: Lateness
}

/** Nobody waits for a delay log to grow. */
const NO_WAITERS = new WaiterBudget(0)

/** Where the delay logs of all topics lie. */
export const DELAY_ROOT = 'delay'

/** The directory of a topic, `orders~1`, is called the same here. */
export const directoryOf = (topic: Topic): string => topic.path.slice(topic.path.indexOf('/') + 1)

export class TopicDelays {
  readonly topic: Topic
  readonly path: string
  readonly #context: DelayContext
  readonly #logs = new Map<number, DelayLog>()
  readonly #opening = new Map<number, Promise<DelayLog>>()
  readonly #problems = new Map<number, string>()
  #closed: 'deleted' | 'stopped' | undefined

  constructor(topic: Topic, context: DelayContext) {
    this.topic = topic
    this.path = `${DELAY_ROOT}/${directoryOf(topic)}`
    this.#context = context
  }

  /** Those that are open. */
  logs(): Iterable<DelayLog> {
    return this.#logs.values()
  }

  /** Undefined where there is none, or none that is open. */
  find(partition: number): DelayLog | undefined {
    return this.#logs.get(partition)
  }

  /** One line for each that does not serve. */
  problems(): readonly string[] {
    const open = [...this.#logs].flatMap(([partition, { problem }]) =>
      problem === undefined ? [] : [[partition, problem] as const],
    )
    return [...this.#problems, ...open].map(
      ([partition, problem]) => `delays of ${this.topic.name}-${partition}: ${problem}`,
    )
  }

  /** The delay log of a partition of the topic, opened or made. Rejects as opening does, with PARTITION_UNAVAILABLE. */
  async log(partition: number): Promise<DelayLog> {
    const known = this.#logs.get(partition)
    if (known !== undefined) return known
    let opening = this.#opening.get(partition)
    if (opening === undefined) {
      opening = this.#open(partition).finally(() => this.#opening.delete(partition))
      this.#opening.set(partition, opening)
    }
    return await opening
  }

  /** Opens those that were made before; one that will not open is unavailable and the rest goes on. */
  async openExisting(): Promise<void> {
    const names = await this.#context.engine.list(this.path)
    const partitions = names.filter((name) => /^\d+$/.test(name)).map(Number)
    const inRange = partitions.filter((each) => each < this.topic.partitions.length)
    for (const partition of inRange) await this.log(partition).catch(() => undefined)
  }

  counts(): EntryCounts & { readonly pending: number } {
    const sum = { pending: 0, delivered: 0, cancelled: 0, expired: 0 }
    for (const { index } of this.#logs.values()) {
      sum.pending += index.open
      sum.delivered += index.counts.delivered
      sum.cancelled += index.counts.cancelled
      sum.expired += index.counts.expired
    }
    return sum
  }

  async stop(): Promise<void> {
    this.#closed ??= 'stopped'
    await Promise.allSettled(this.#opening.values())
    for (const log of this.#logs.values()) await log.stop()
  }

  /** Ends everything and removes the files; what cannot be removed goes at the next start. */
  async discard(): Promise<void> {
    this.#closed = 'deleted'
    await Promise.allSettled(this.#opening.values())
    for (const log of this.#logs.values()) await log.discard()
    this.#logs.clear()
    await this.#context.engine.remove(this.path)
  }

  async #open(partition: number): Promise<DelayLog> {
    const { platform } = this.#context
    const target = this.topic.partition(partition)
    const log = new DelayLog({
      ...this.#context,
      target,
      indexPath: `${this.path}/index-${partition}`,
      log: new Partition({
        topic: this.topic.name,
        index: partition,
        path: `${this.path}/${partition}`,
        clock: platform.clock,
        waiters: NO_WAITERS,
        onGrown: () => undefined,
        onAppending: () => undefined,
      }),
    })
    this.#checkOpen()
    try {
      await log.open()
    } catch (error) {
      await log.discard().catch(() => undefined)
      const why = error instanceof Error ? error.message : String(error)
      const where = `delays of ${this.topic.name}-${partition}`
      platform.logger.error({ topic: this.topic.name, partition, error }, 'delays unavailable')
      this.#problems.set(partition, why)
      throw new BrokerError('PARTITION_UNAVAILABLE', `${where}: ${why}`, { cause: error })
    }
    this.#problems.delete(partition)
    this.#logs.set(partition, log)
    return log
  }

  #checkOpen(): void {
    if (this.#closed === undefined) return
    if (this.#closed === 'deleted') {
      throw new BrokerError('TOPIC_NOT_FOUND', `there is no topic ${this.topic.name}`)
    }
    throw new BrokerError('SHUTTING_DOWN', 'the broker is stopping')
  }
}
