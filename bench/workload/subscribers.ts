/** The process that reads: every subscription of a workload is a group, every consumer a member of it. */
import { Connection, GroupConsumer, type MessageBatch } from '../../src/client/index.ts'
import { type Figures, Latencies, preciseNowMs } from './latencies.ts'
import { SENT_AT_BYTES } from './publishers.ts'

export interface OpenSubscribers {
  readonly kind: 'open subscribers'
  readonly url: string
  readonly topics: readonly string[]
  readonly subscriptionsPerTopic: number
  readonly consumerPerSubscription: number
}

export interface ReceivedStats {
  readonly messages: number
  /** From send() to the consumer. */
  readonly latency: Figures
}

const SPARE_CONNECTIONS = 16

export class Subscribers {
  readonly #connection: Connection
  readonly #consumers: readonly GroupConsumer[]
  readonly #latency = new Latencies()
  #reading: readonly Promise<void>[] = []
  #failure: unknown
  #messages = 0
  #go: Promise<void> | undefined
  #resume: () => void = () => undefined

  constructor({ url, topics, subscriptionsPerTopic, consumerPerSubscription }: OpenSubscribers) {
    const places = topics.flatMap((topic) =>
      Array.from({ length: subscriptionsPerTopic }, (_, i) => `sub-${i}-${topic}`).flatMap(
        (group) => Array.from({ length: consumerPerSubscription }, () => ({ topic, group })),
      ),
    )
    // Each consumer that waits for messages holds a connection.
    this.#connection = new Connection({ url, connectionsMax: places.length + SPARE_CONNECTIONS })
    this.#consumers = places.map(
      ({ topic, group }) => new GroupConsumer(this.#connection, { group, topics: [topic] }),
    )
  }

  /** Resolves when every consumer is a member of its group. */
  async start(): Promise<void> {
    await Promise.all(this.#consumers.map((consumer) => consumer.start()))
    this.#reading = this.#consumers.map((consumer) =>
      consumer
        .eachBatch((batch) => this.#take(batch))
        .catch((error: unknown) => {
          this.#failure ??= error
        }),
    )
  }

  /** What was fetched waits here, and then so do the fetches. */
  pause(): void {
    this.#go ??= new Promise((resolve) => {
      this.#resume = resolve
    })
  }

  resume(): void {
    this.#go = undefined
    this.#resume()
  }

  /** Throws what ended a consumer. */
  get messages(): number {
    if (this.#failure !== undefined) throw this.#failure
    return this.#messages
  }

  takePeriod(): ReceivedStats {
    return { messages: this.messages, latency: this.#latency.takePeriod() }
  }

  total(): ReceivedStats {
    return { messages: this.messages, latency: this.#latency.total() }
  }

  reset(): void {
    this.#latency.reset()
  }

  async close(): Promise<void> {
    this.resume()
    await Promise.all(this.#consumers.map((consumer) => consumer.close()))
    await Promise.all(this.#reading)
    await this.#connection.close()
  }

  async #take({ messages }: MessageBatch): Promise<void> {
    if (this.#go !== undefined) await this.#go
    const nowMs = preciseNowMs()
    for (const { value } of messages) {
      if (value !== null && value.length >= SENT_AT_BYTES) {
        this.#latency.add(nowMs - value.readDoubleBE(0))
      }
    }
    this.#messages += messages.length
  }
}
