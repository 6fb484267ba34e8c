import {
  type ConsumedMessage,
  Consumer,
  type ConsumerOptions,
  GroupConsumer,
  type GroupConsumerOptions,
} from '../../../../src/client/index.ts'
import { batchOf, type RecordInput } from '../../../../src/record/index.ts'
import { turn } from '../../../support/drive.ts'
import { FakeClock } from '../../../support/fakeClock.ts'
import { StubBroker } from '../../../support/stub/broker.ts'
import { MemoryConnection } from '../../../support/stub/memoryConnection.ts'

export class World {
  readonly clock = new FakeClock()
  readonly broker = new StubBroker(this.clock)
  readonly connection = new MemoryConnection(this.broker)
  readonly warnings: string[] = []

  /** Topic `t`, with `count` messages `<partition>:<offset>` in each of its partitions. */
  constructor(partitions = 1, count = 0) {
    this.broker.createTopic('t', partitions)
    for (let partition = 0; partition < partitions; partition += 1) this.append(partition, count)
  }

  append(partition: number, count: number): void {
    const { latest } = this.broker.log('t', partition)
    if (count === 0) return
    this.store(
      partition,
      ...Array.from({ length: count }, (_, i) => ({ value: `${partition}:${latest + i}` })),
    )
  }

  store(partition: number, ...records: RecordInput[]): void {
    const batch = { ...batchOf(...records), producer: undefined }
    this.broker.log('t', partition).append(batch, this.clock.nowMs())
  }

  consumer(options: Partial<ConsumerOptions> = {}): Consumer {
    return new Consumer(this.connection, { topic: 't', ...this.#common(), ...options })
  }

  member(options: Partial<GroupConsumerOptions> = {}): GroupConsumer {
    return new GroupConsumer(this.connection, {
      group: 'g',
      topics: ['t'],
      ...this.#common(),
      ...options,
    })
  }

  /** What group `g` has committed of partition `partition`. */
  floor(partition = 0): number | undefined {
    return this.broker.groups.get('g').floors.get('t')?.get(partition)
  }

  /** Lets time pass in steps, so that what each step sets off can happen before the next. */
  async pass(ms: number, stepMs = 10): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      this.clock.advance(Math.min(stepMs, ms - passed))
      await turn()
    }
  }

  #common() {
    return {
      clock: this.clock,
      random: () => 0.5,
      onWarning: ({ code }: { code: string }) => void this.warnings.push(code),
    }
  }
}

/** Runs the consumer into a list; `until` messages came when it resolves. */
export class Collector {
  readonly messages: ConsumedMessage[] = []
  #until = Number.POSITIVE_INFINITY
  #reached: (() => void) | undefined

  readonly add = (message: ConsumedMessage): void => {
    this.messages.push(message)
    if (this.messages.length >= this.#until) this.#reached?.()
  }

  get texts(): string[] {
    return this.messages.map((message) => message.text())
  }

  until(count: number): Promise<void> {
    if (this.messages.length >= count) return Promise.resolve()
    this.#until = count
    return new Promise((resolve) => {
      this.#reached = resolve
    })
  }
}

export const numbered = (partition: number, from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `${partition}:${from + i}`)
