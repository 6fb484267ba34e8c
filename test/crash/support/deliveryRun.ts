/**
 * One producer, one misbehaving network, one broker that dies now and then; all of it from one seed. At the end each
 * message that was accepted is in the log once, where it was said to be, and in the order of its key.
 */
import {
  Admin,
  type BrokerError,
  Connection,
  type DecodedRecord,
  type Message,
  Producer,
  type ProducerOptions,
  Records,
} from '../../../src/client/index.ts'
import { KiB, MiB } from '../../../src/kernel/units.ts'
import type { Fate, FateShares } from '../../support/proxy/fates.ts'
import { FaultyProxy } from '../../support/proxy/faultyProxy.ts'
import { SeededRandom } from '../../support/random.ts'
import type { MortalBroker } from './mortalBrokers.ts'
import { Sends } from './sends.ts'

export interface DeliveryPlan {
  readonly seed: number
  readonly sends: number
  readonly kills: number
  readonly acks: 'leader' | 'all'
  /** A short one gives up what a kill, or a stalled connection, holds up. */
  readonly deliveryTimeoutMs: number
  readonly broker: MortalBroker
}

export interface DeliveryReport {
  readonly accepted: number
  readonly refusals: ReadonlyMap<string, number>
  readonly fates: ReadonlyMap<Fate, number>
}

const TOPIC = 't'
const KEYS = 60
const SHARES: FateShares = {
  delay: 0.03,
  delayReply: 0.03,
  repeat: 0.05,
  cutBefore: 0.01,
  cutWithin: 0.01,
  cutAfter: 0.01,
  dropReply: 0.015,
  cutReply: 0.01,
  stall: 0.003,
}
/** Calls between two looks at what has been settled meanwhile. */
const CALLS_OF_A_TURN = 400
const UNSETTLED_MAX = 20_000
const PADDING = '.'.repeat(120)
const RECORD_BYTES_MAX = 1 * KiB
/** One of so many messages is refused, with the batch that it is in: what is sent behind it needs a new epoch. */
const TOO_LARGE_EVERY = 7000
const TOO_LARGE = '.'.repeat(RECORD_BYTES_MAX)

export class DeliveryRun {
  readonly #plan: DeliveryPlan
  readonly #random: SeededRandom
  readonly #sends: Sends
  readonly #partitions: number
  readonly #isInBatches: boolean
  #unsettled = 0
  #settledSome: (() => void) | undefined

  constructor(plan: DeliveryPlan) {
    this.#plan = plan
    this.#random = new SeededRandom(plan.seed)
    this.#sends = new Sends(plan.sends, keyOf)
    this.#partitions = this.#random.between(1, 6)
    this.#isInBatches = this.#random.chance(0.5)
  }

  /** Rejects with what was not as promised. */
  async run(): Promise<DeliveryReport> {
    const { seed, broker } = this.#plan
    const proxy = await FaultyProxy.start(SHARES, this.#random.fork())
    try {
      const port = await broker.start()
      await withConnection(`http://127.0.0.1:${port}`, (connection) =>
        new Admin(connection).createTopic({
          name: TOPIC,
          partitions: this.#partitions,
          config: { max_record_bytes: RECORD_BYTES_MAX },
        }),
      )
      proxy.target = port
      await this.#produce(proxy)
      await proxy.settled()
      const logs = await withConnection(`http://127.0.0.1:${proxy.target}`, (connection) =>
        readAll(connection, this.#partitions),
      )
      this.#sends.check(logs)
    } catch (error) {
      throw new Error(`GOQUEUE_SEED=${seed}: ${error instanceof Error ? error.message : error}`, {
        cause: error,
      })
    } finally {
      await broker.kill()
      await proxy.close()
    }
    const { accepted, refusals } = this.#sends
    return { accepted, refusals, fates: proxy.fates.counts }
  }

  async #produce(proxy: FaultyProxy): Promise<void> {
    const { sends, kills } = this.#plan
    const killAt = Array.from({ length: kills }, () => this.#random.int(sends)).sort(
      (a, b) => a - b,
    )
    let restarted = Promise.resolve()
    await withConnection(proxy.url, async (connection) => {
      const producer = new Producer(connection, this.#options())
      for (let next = 0; next < sends; ) {
        const until = Math.min(sends, next + this.#random.between(1, CALLS_OF_A_TURN))
        this.#send(producer, next, until)
        next = until
        while (next > (killAt[0] ?? sends)) {
          killAt.shift()
          restarted = restarted.then(() => this.#restart(proxy))
        }
        await this.#calm()
      }
      await restarted
      await producer.close()
    })
  }

  #options(): ProducerOptions {
    const random = this.#random
    return {
      acks: this.#plan.acks,
      batchMessages: random.between(100, 300),
      batchBytes: 24 * KiB,
      requestBytes: random.pick([24, 32]) * KiB,
      lingerMs: random.pick([0, 1, 5]),
      inFlightMax: random.between(2, 5),
      bufferBytes: random.pick([512 * KiB, MiB, 4 * MiB]),
      waitersMax: UNSETTLED_MAX,
      retryBackoffMs: 2,
      retryBackoffMaxMs: 40,
      requestTimeoutMs: 300,
      deliveryTimeoutMs: this.#plan.deliveryTimeoutMs,
      random: random.fork().next,
      onWarning: () => undefined,
    }
  }

  #send(producer: Producer, from: number, until: number): void {
    const messages = Array.from({ length: until - from }, (_, i) => messageOf(from + i))
    const sends = this.#sends
    if (this.#isInBatches) {
      const sent = producer.sendBatch(messages).then(
        (delivered) => {
          for (const [i, place] of delivered.positions().entries()) sends.accept(from + i, place)
        },
        // Some of a call that fails may be stored, whatever became of the rest.
        () => {
          for (let i = from; i < until; i += 1) sends.refuse(i, 'OUTCOME_UNKNOWN')
        },
      )
      this.#follow(sent, messages.length)
      return
    }
    for (const [i, message] of messages.entries()) {
      const sent = producer.send(message).then(
        (place) => sends.accept(from + i, place),
        ({ code }: BrokerError) => sends.refuse(from + i, code),
      )
      this.#follow(sent, 1)
    }
  }

  #follow(sent: Promise<void>, count: number): void {
    this.#unsettled += count
    void sent.then(() => {
      this.#unsettled -= count
      this.#settledSome?.()
    })
  }

  /** Lets the rest of the process have its turn; waits while too much is under way. */
  async #calm(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#unsettled > UNSETTLED_MAX - CALLS_OF_A_TURN) {
      await new Promise<void>((resolve) => {
        this.#settledSome = resolve
      })
    }
  }

  async #restart(proxy: FaultyProxy): Promise<void> {
    proxy.lose()
    await this.#plan.broker.kill()
    proxy.target = await this.#plan.broker.start()
  }
}

const keyOf = (number: number): string => `key-${(number * 7919) % KEYS}`

const messageOf = (number: number): Message => ({
  topic: TOPIC,
  key: keyOf(number),
  value: `${number} ${paddingOf(number)}`,
})

const paddingOf = (number: number): string =>
  number % TOO_LARGE_EVERY === TOO_LARGE_EVERY - 1
    ? TOO_LARGE
    : PADDING.slice(0, (number * 31) % PADDING.length)

async function withConnection<T>(
  url: string,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = new Connection({ url })
  try {
    return await work(connection)
  } finally {
    await connection.close()
  }
}

async function readAll(connection: Connection, partitions: number): Promise<DecodedRecord[][]> {
  const records = new Records(connection)
  const logs: DecodedRecord[][] = []
  for (let partition = 0; partition < partitions; partition += 1) {
    const log: DecodedRecord[] = []
    for (let offset = 0; ; ) {
      const read = { topic: TOPIC, partition, offset, maxRecords: 10_000, maxBytes: 4 * MiB }
      const reply = await records.read(read)
      if (reply.records.length === 0) break
      log.push(...reply.records)
      offset = reply.nextOffset
    }
    logs.push(log)
  }
  return logs
}
