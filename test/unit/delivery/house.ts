/** Topics, groups and deliveries over an engine whose crash is up to the test, with a clock that stands still. */
import {
  Delivery,
  type DeliveryPoll,
  nonceText,
  type SayingKind,
} from '../../../src/delivery/index.ts'
import { Groups, type JoinRequest } from '../../../src/groups/index.ts'
import { type LogFields, type Logger, silentLogger } from '../../../src/kernel/platform.ts'
import type { LogEngine } from '../../../src/log/index.ts'
import { batchOf, decodeRecords, type RecordInput } from '../../../src/record/index.ts'
import { Topics } from '../../../src/topics/index.ts'
import { FakeClock } from '../../support/fakeClock.ts'
import { SeededRandom } from '../../support/random.ts'
import { StubEngine } from '../../support/stubEngine.ts'

export interface Handed {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly value: string
  readonly deliveries: number
  readonly nonce: number
}

interface HouseOptions<E extends LogEngine> {
  readonly engine: E
  readonly clock?: FakeClock
  readonly seed?: number
}

export class House<E extends LogEngine = LogEngine> {
  readonly engine: E
  readonly clock: FakeClock
  readonly topics: Topics
  readonly groups: Groups
  readonly delivery: Delivery
  readonly warnings: LogFields[] = []

  constructor({ engine, clock = new FakeClock(), seed = 1 }: HouseOptions<E>) {
    this.engine = engine
    this.clock = clock
    const logger: Logger = { ...silentLogger, warn: (fields) => this.warnings.push(fields) }
    const platform = { clock, random: new SeededRandom(seed).next, logger }
    this.topics = new Topics({ engine, platform })
    this.groups = new Groups({ engine, platform, topics: this.topics })
    this.delivery = new Delivery({ engine, platform, topics: this.topics, groups: this.groups })
  }

  async start(): Promise<this> {
    await this.topics.start()
    await this.groups.start()
    await this.delivery.start()
    return this
  }

  async stop(): Promise<void> {
    this.topics.releaseWaiters()
    this.delivery.releaseWaiters()
    await this.delivery.stop()
    await this.groups.stop()
    await this.topics.stop()
  }

  async topic(name: string, partitions = 1): Promise<void> {
    await this.topics.create({ name, partitions })
  }

  async publish(topic: string, partition: number, ...values: string[]): Promise<void> {
    const batch = batchOf(...values.map((value) => ({ value })))
    await this.topics.get(topic).partition(partition).append(batch, 'leader')
  }

  async publishRecords(
    topic: string,
    partition: number,
    records: readonly RecordInput[],
  ): Promise<void> {
    await this.topics
      .get(topic)
      .partition(partition)
      .append(batchOf(...records), 'leader')
  }

  /** A member of `g`; those who were there before are told of it. */
  async join(memberId: string, more: Partial<JoinRequest> = {}): Promise<void> {
    const sessionTimeoutMs = 1_800_000
    const request = { group: 'g', clientId: 'c', topics: ['t'], sessionTimeoutMs, ...more }
    await this.groups.join({ ...request, memberId })
    this.clock.advance(100)
    for (const each of this.groups.get('g').members.keys()) {
      await this.groups.join({ ...request, memberId: each })
    }
  }

  async poll(more: Partial<DeliveryPoll> = {}, signal?: AbortSignal): Promise<Handed[]> {
    const { handed } = await this.take(more, signal)
    return handed
  }

  async take(more: Partial<DeliveryPoll> = {}, signal?: AbortSignal) {
    const base = { group: 'g', memberId: 'a', maxMessages: 100, maxBytes: 1_000_000 }
    const read = await this.delivery.poll(
      { ...base, waitMs: 0, autoCommit: false, ...more },
      signal,
    )
    if (read.rebalance) throw new Error('a rebalance')
    const handed = read.value.parts.flatMap(({ topic, partition, bytes, deliveryCount, nonce }) =>
      [...decodeRecords(bytes)].map(({ offset, value }) => ({
        ...{ topic, partition, offset, value: `${value}`, deliveries: deliveryCount, nonce },
      })),
    )
    return { handed, putBack: read.value.putBack }
  }

  /** Of each record what became of it. */
  async say(kind: SayingKind, handed: readonly Handed[], timeMs?: number): Promise<string[]> {
    const sayings = handed.map(({ offset, ...of }) => ({
      ...{ kind, timeMs },
      range: { group: 'g', ...of, from: offset, to: offset + 1 },
    }))
    const outcomes = await this.delivery.say(sayings)
    return outcomes.map(({ pieces, error }) => error?.code ?? pieces?.[0]?.outcome ?? '')
  }

  get lag(): number {
    return this.delivery.describe('g').windows.reduce((sum, { backlog = 0 }) => sum + backlog, 0)
  }

  /** What lies in a partition: offset and value. */
  async stored(topic: string, partition = 0) {
    const source = this.topics.get(topic).partition(partition)
    const limit = { maxBytes: 1_000_000, maxRecords: 1_000 }
    const { bytes } = await source.read(source.offsets().start, limit)
    return [...decodeRecords(bytes)]
  }
}

export const values = (handed: readonly Handed[]): string =>
  handed.map(({ value }) => value).join('')

export const receipt = ({ topic, partition, offset, deliveries, nonce }: Handed): string =>
  `g:${topic}:${partition}:${offset}:${deliveries}:${nonceText(nonce)}`

export async function house(partitions = 1, seed = 1): Promise<House<StubEngine>> {
  const clock = new FakeClock()
  const engine = new StubEngine(undefined, () => clock.nowMs())
  const opened = await new House({ engine, clock, seed }).start()
  await opened.topic('t', partitions)
  return opened
}

/** The process dies and another one starts on what it left. */
export async function restarted({ engine, clock }: House<StubEngine>): Promise<House<StubEngine>> {
  return await new House({ engine: engine.crash(), clock, seed: 2 }).start()
}

/** The machine dies: what was not synced is gone. */
export async function afterPowerLoss({
  engine,
  clock,
}: House<StubEngine>): Promise<House<StubEngine>> {
  return await new House({ engine: engine.powerLoss(), clock, seed: 3 }).start()
}

/** Turns of the event loop until it holds; for what is a few promises away, never for time. */
export async function soon(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2_000; turn += 1) {
    if (holds()) return
    await new Promise(setImmediate)
  }
  throw new Error('it did not come to hold')
}
