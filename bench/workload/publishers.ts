/** The process that publishes: every producer of a workload, each a producer of the SDK with its defaults. */
import { type ClientAcks, Connection, Producer } from '../../src/client/index.ts'
import type { KeyDistributor } from './file.ts'
import { type Figures, Latencies, preciseNowMs } from './latencies.ts'
import { type Payload, valuesOf } from './payload.ts'

export interface OpenPublishers {
  readonly kind: 'open publishers'
  readonly url: string
  readonly topics: readonly string[]
  readonly producersPerTopic: number
  readonly keyDistributor: KeyDistributor
  readonly payload: Payload
  readonly acks: ClientAcks
}

export interface Publish {
  readonly kind: 'publish'
  /** All producers together; undefined: as fast as they can. */
  readonly perSecond: number | undefined
}

export interface PublishedStats {
  readonly messages: number
  readonly errors: number
  /** From send() to its acknowledgement. */
  readonly latency: Figures
  /** From when a message was due to its send(). */
  readonly delay: Figures
}

/** The first bytes of a value say when it was sent, where it is large enough. */
export const SENT_AT_BYTES = 8
const TICK_MS = 1
/** Messages under way at once; beyond it nothing more is sent, whatever the rate. */
const UNDER_WAY_MAX = 20_000
const UNDER_WAY_UNLIMITED = 5_000
/** Sent in one go where there is no rate, before others get their turn. */
const BURST = 500
const KEYS = 10_000

export class Publishers {
  readonly #connection: Connection
  readonly #sides: readonly { readonly topic: string; readonly producer: Producer }[]
  readonly #values: readonly Buffer[]
  readonly #keyDistributor: KeyDistributor
  readonly #latency = new Latencies()
  readonly #delay = new Latencies()
  #timer: NodeJS.Timeout | undefined
  #perSecond: number | undefined
  #startMs = 0
  #turns = 0
  #underWay = 0
  #isHeld = false
  #messages = 0
  #errors = 0
  #idle: () => void = () => undefined

  constructor(open: OpenPublishers) {
    this.#connection = new Connection({ url: open.url })
    this.#values = valuesOf(open.payload)
    this.#keyDistributor = open.keyDistributor
    this.#sides = Array.from({ length: open.producersPerTopic }, () => open.topics).flatMap(
      (topics) =>
        topics.map((topic) => ({
          topic,
          producer: new Producer(this.#connection, { acks: open.acks }),
        })),
    )
  }

  /** One message to each topic: all connections are made, all topics known. */
  async probe(): Promise<void> {
    const topics = new Map(this.#sides.map((side) => [side.topic, side]))
    await Promise.all(
      [...topics.values()].map(({ topic, producer }) =>
        producer.send({ topic, value: this.#valueOf(0) }),
      ),
    )
    this.#messages += topics.size
  }

  start(perSecond: number | undefined): void {
    this.#perSecond = perSecond
    this.#startMs = performance.now()
    this.#turns = 0
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
  }

  /** Sends nothing while it is held; a rate goes on from where it is afterwards. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
  }

  get messages(): number {
    return this.#messages
  }

  takePeriod(): PublishedStats {
    const figures = { latency: this.#latency.takePeriod(), delay: this.#delay.takePeriod() }
    return { messages: this.#messages, errors: this.#errors, ...figures }
  }

  total(): PublishedStats {
    const figures = { latency: this.#latency.total(), delay: this.#delay.total() }
    return { messages: this.#messages, errors: this.#errors, ...figures }
  }

  /** Latencies begin anew; messages are counted on. */
  reset(): void {
    this.#latency.reset()
    this.#delay.reset()
  }

  /** Resolves when everything that was sent is answered; nothing more is sent. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#timer = undefined
    await this.idle()
  }

  /** Resolves when nothing is under way: soon where publishers are held or stopped. */
  async idle(): Promise<void> {
    if (this.#underWay === 0) return
    await new Promise<void>((resolve) => {
      this.#idle = resolve
    })
  }

  async close(): Promise<void> {
    await Promise.all(this.#sides.map(({ producer }) => producer.close()))
    await this.#connection.close()
  }

  #tick(): void {
    const nowMs = performance.now()
    if (this.#isHeld) return
    if (this.#perSecond === undefined) {
      const room = Math.min(BURST, UNDER_WAY_UNLIMITED - this.#underWay)
      for (let i = 0; i < room; i += 1) void this.#send(nowMs)
      return
    }
    const intervalMs = 1_000 / this.#perSecond
    const due = Math.floor((nowMs - this.#startMs) / intervalMs)
    while (this.#turns < due && this.#underWay < UNDER_WAY_MAX) {
      void this.#send(this.#startMs + this.#turns * intervalMs)
    }
  }

  async #send(dueMs: number): Promise<void> {
    const turn = this.#turns
    this.#turns += 1
    const side = this.#sides[turn % this.#sides.length]
    if (side === undefined) return
    const { topic, producer } = side
    this.#underWay += 1
    const fromMs = performance.now()
    this.#delay.add(fromMs - dueMs)
    try {
      await producer.send({ topic, value: this.#valueOf(turn), key: this.#keyOf(turn) })
      this.#messages += 1
      this.#latency.add(performance.now() - fromMs)
    } catch {
      this.#errors += 1
    }
    this.#underWay -= 1
    if (this.#underWay === 0) this.#idle()
    if (this.#perSecond === undefined && this.#timer !== undefined) this.#refill()
  }

  /** Without a rate the next burst goes when half of what is under way is answered, not with the next tick. */
  #refill(): void {
    if (this.#underWay < UNDER_WAY_UNLIMITED / 2) this.#tick()
  }

  #valueOf(turn: number): Buffer {
    const model = this.#values[turn % this.#values.length] ?? Buffer.alloc(0)
    if (model.length < SENT_AT_BYTES) return model
    const value = Buffer.from(model)
    value.writeDoubleBE(preciseNowMs(), 0)
    return value
  }

  #keyOf(turn: number): string | undefined {
    if (this.#keyDistributor === 'NO_KEY') return undefined
    const at = this.#keyDistributor === 'RANDOM_NANO' ? Math.floor(Math.random() * KEYS) : turn
    return `key-${at % KEYS}`
  }
}
