/** A topic with delayed messages on an engine in memory, under a clock that stands still. */
import { Delay, type DelaySettings } from '../../../src/delay/index.ts'
import { type LogFields, type Logger, silentLogger } from '../../../src/kernel/platform.ts'
import type { LogEngine } from '../../../src/log/index.ts'
import { decodeRecords } from '../../../src/record/index.ts'
import { type PublishMessage, publishMessages, Topics } from '../../../src/topics/index.ts'
import { FakeClock } from '../../support/fakeClock.ts'
import { turn } from '../../support/topicsWorld.ts'

export interface HouseSetup {
  readonly engine: LogEngine
  readonly clock?: FakeClock
  readonly partitions?: number
  readonly settings?: Partial<DelaySettings>
}

export class House {
  readonly clock: FakeClock
  readonly engine: LogEngine
  readonly topics: Topics
  readonly delay: Delay
  /** What was logged at warn or error. */
  readonly logged: { readonly message: string; readonly fields: LogFields }[] = []
  readonly #setup: HouseSetup

  private constructor(setup: HouseSetup) {
    this.#setup = setup
    const { engine, clock = new FakeClock(), settings } = setup
    this.engine = engine
    this.clock = clock
    const note = (fields: LogFields, message: string): void =>
      void this.logged.push({ message, fields })
    const logger: Logger = { ...silentLogger, warn: note, error: note }
    const platform = { clock, random: () => 0, logger }
    this.topics = new Topics({ engine, platform })
    this.delay = new Delay({ engine, platform, topics: this.topics, settings })
  }

  static async open(setup: HouseSetup): Promise<House> {
    const house = new House(setup)
    await house.topics.start()
    await house.delay.start()
    if (house.topics.find('t') === undefined) {
      const config = { segmentBytes: 4096 }
      await house.topics.create({ name: 't', partitions: setup.partitions ?? 1, config })
    }
    return house
  }

  /** The next life on the same engine, or on what `engine` is. */
  async again(engine: LogEngine = this.engine): Promise<House> {
    return await House.open({ ...this.#setup, engine, clock: this.clock })
  }

  async stop(): Promise<void> {
    await this.delay.stop()
    await this.topics.stop()
  }

  get nowMs(): number {
    return this.clock.nowMs()
  }

  async publish(...messages: readonly PublishMessage[]) {
    const topic = this.topics.get('t')
    const later = { appends: this.delay.laterAppends(topic), nowMs: this.nowMs }
    return await publishMessages(topic, messages, 'all', later)
  }

  /** Messages by how long they wait. */
  async schedule(...delays: readonly number[]): Promise<void> {
    const nowMs = this.nowMs
    await this.publish(...delays.map((ms) => ({ value: `${ms}`, dueMs: nowMs + ms, partition: 0 })))
  }

  /** Lets time pass and everything happen that is then due. */
  async pass(ms: number): Promise<void> {
    this.clock.advance(ms)
    await this.settle()
  }

  async settle(): Promise<void> {
    for (let i = 0; i < 12; i += 1) await turn()
  }

  async values(partition = 0): Promise<string[]> {
    const log = this.topics.get('t').partition(partition)
    const { bytes } = await log.read(log.offsets().start, { maxBytes: 1e7, maxRecords: 1e5 })
    return [...decodeRecords(bytes)].map(({ value }) => String(value))
  }

  /** Offsets of what waits, by due time. */
  async waiting(): Promise<number[]> {
    const { messages } = await this.delay.list('t', { limit: 1000 })
    return messages.map(({ offset }) => offset)
  }

  async state(offset: number, partition = 0): Promise<string> {
    return (await this.delay.get('t', partition, offset)).state
  }
}
