/**
 * The topics that a producer sends to: how many partitions each has, a queue per partition, and where messages
 * without a key go. Descriptions are asked for at the first message, again when they are old, and again when the
 * broker says that something is not there.
 */
import { BrokerError } from '../../kernel/errors.ts'
import { StickyPartitioner } from '../../record/index.ts'
import { backoffMs } from '../backoff.ts'
import { type Asker, pathOf } from '../connection.ts'
import { pause } from '../pause.ts'
import type { ProducerBatch } from './batch.ts'
import type { ProducerSettings } from './options.ts'
import type { PartitionQueue } from './partitionQueue.ts'

export interface Topic {
  readonly name: string
  readonly queues: readonly PartitionQueue[]
  readonly sticky: StickyPlace
  /** As {@link sticky}, for delayed messages. */
  readonly delayedSticky: StickyPlace
  readonly loadedAtMs: number
}

/** Where messages without a key gather, and the batch they gather in. */
export class StickyPlace {
  readonly #partitioner: StickyPartitioner
  #batch: ProducerBatch | undefined

  constructor(partitions: number, first: number) {
    this.#partitioner = new StickyPartitioner(partitions, first)
  }

  /** The partition of the next message: another one where the batch takes no more. */
  next(): number {
    if (this.#batch !== undefined && this.#batch.state !== 'building') this.leave()
    return this.#partitioner.current
  }

  /** A message went into `batch`. */
  place(batch: ProducerBatch): void {
    this.#partitioner.place(1)
    this.#batch = batch
  }

  leave(): void {
    this.#partitioner.rotate()
    this.#batch = undefined
  }
}

export interface TopicsHost {
  readonly settings: ProducerSettings
  readonly asker: Asker
  /** Somebody waits for a topic's description. */
  readonly isAwaited: boolean
  makeQueue(topic: string, partition: number): PartitionQueue
  /** A description came, or will not come. */
  changed(): void
}

type Entry =
  | { readonly kind: 'loading' }
  | { readonly kind: 'known'; readonly topic: Topic }
  | { readonly kind: 'failed'; readonly error: BrokerError }

export class Topics {
  readonly #host: TopicsHost
  readonly #entries = new Map<string, Entry>()
  /** Kept when a topic is forgotten: what is on its way stays in front of what comes. */
  readonly #queues = new Map<string, PartitionQueue[]>()
  readonly #refreshing = new Set<string>()
  readonly #closing = new AbortController()
  /** Why descriptions do not come at the moment. */
  lastError: BrokerError | undefined

  constructor(host: TopicsHost) {
    this.#host = host
  }

  /** A description is on its way. */
  get isLoading(): boolean {
    for (const { kind } of this.#entries.values()) if (kind === 'loading') return true
    return false
  }

  /** Undefined while its description is on its way: `changed` is called when it came. Throws why it will not. */
  get(name: string): Topic | undefined {
    const entry = this.#entries.get(name)
    if (entry?.kind === 'known') return entry.topic
    if (entry?.kind === 'failed') throw entry.error
    if (entry === undefined) {
      this.#entries.set(name, { kind: 'loading' })
      void this.#load(name)
    }
    return undefined
  }

  /** What is known of it may be wrong: the next message asks again. */
  forget(name: string): void {
    if (this.#entries.get(name)?.kind === 'known') this.#entries.delete(name)
  }

  /** Asks again in the background where the description is old. */
  refresh(name: string): void {
    const entry = this.#entries.get(name)
    const { clock, metadataMaxAgeMs } = this.#host.settings
    if (entry?.kind !== 'known' || this.#refreshing.has(name)) return
    if (clock.monotonicMs() - entry.topic.loadedAtMs < metadataMaxAgeMs) return
    this.#refreshing.add(name)
    void this.#describe(name)
      .then(
        (partitions) => this.#learn(name, partitions),
        (error: unknown) => {
          if (isGone(error)) this.forget(name)
        },
      )
      .finally(() => this.#refreshing.delete(name))
  }

  close(): void {
    this.#closing.abort()
  }

  async #load(name: string): Promise<void> {
    const { settings } = this.#host
    const backoff = { baseMs: settings.retryBackoffMs, maxMs: settings.retryBackoffMaxMs }
    for (let failures = 1; ; failures += 1) {
      try {
        this.#learn(name, await this.#describe(name))
        return this.#host.changed()
      } catch (reason) {
        const error = reason instanceof BrokerError ? reason : unexpected(reason)
        this.lastError = error
        if (!error.retryable || !this.#host.isAwaited) return this.#fail(name, error)
        const delayMs = backoffMs(backoff, failures, settings.random)
        const waitMs = Math.max(delayMs, error.retryAfterMs ?? 0)
        await pause(settings.clock, waitMs, this.#closing.signal)
      }
    }
  }

  /** Those who wait now are told; who comes later asks again. */
  #fail(name: string, error: BrokerError): void {
    this.#entries.set(name, { kind: 'failed', error })
    this.#host.changed()
    this.#entries.delete(name)
  }

  async #describe(name: string): Promise<number> {
    const { requestTimeoutMs } = this.#host.settings
    const { body } = await this.#host.asker.ask({
      method: 'GET',
      path: pathOf('topics', name),
      timeoutMs: requestTimeoutMs,
      signal: this.#closing.signal,
    })
    const { partitions } = JSON.parse(body.toString()) as { readonly partitions: number }
    if (Number.isInteger(partitions) && partitions > 0) return partitions
    throw new BrokerError('UNKNOWN', `topic ${name} is described with ${partitions} partitions`)
  }

  #learn(name: string, partitions: number): void {
    this.lastError = undefined
    const { clock, random } = this.#host.settings
    const loadedAtMs = clock.monotonicMs()
    const entry = this.#entries.get(name)
    if (entry?.kind === 'known' && entry.topic.queues.length === partitions) {
      this.#entries.set(name, { kind: 'known', topic: { ...entry.topic, loadedAtMs } })
      return
    }
    const made = this.#queues.get(name) ?? []
    while (made.length < partitions) made.push(this.#host.makeQueue(name, made.length))
    this.#queues.set(name, made)
    const queues = made.slice(0, partitions)
    const first = Math.floor(random() * partitions)
    const sticky = new StickyPlace(partitions, first)
    const delayedSticky = new StickyPlace(partitions, first)
    const topic = { name, queues, sticky, delayedSticky, loadedAtMs }
    this.#entries.set(name, { kind: 'known', topic })
  }
}

const isGone = (error: unknown): boolean =>
  error instanceof BrokerError && error.code === 'TOPIC_NOT_FOUND'

const unexpected = (reason: unknown): BrokerError =>
  new BrokerError('UNKNOWN', `no description of the topic: ${String(reason)}`, { cause: reason })
