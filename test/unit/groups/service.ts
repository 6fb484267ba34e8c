import { partitionNames } from '../../../src/groups/assignors.ts'
import { Groups, type JoinRequest } from '../../../src/groups/index.ts'
import { type LogFields, type Logger, silentLogger } from '../../../src/kernel/platform.ts'
import { batchOf } from '../../../src/record/index.ts'
import { Topics } from '../../../src/topics/index.ts'
import { FakeClock } from '../../support/fakeClock.ts'
import { SeededRandom } from '../../support/random.ts'
import { StubEngine } from '../../support/stubEngine.ts'

export interface ServiceOptions {
  readonly engine?: StubEngine
  readonly clock?: FakeClock
  readonly retentionMs?: number
  readonly seed?: number
}

/** Topics and groups over an engine in memory, with a clock that stands still. */
export class GroupsHouse {
  readonly engine: StubEngine
  readonly clock: FakeClock
  readonly topics: Topics
  readonly groups: Groups
  readonly warnings: LogFields[] = []
  readonly errors: string[] = []

  private constructor({ engine, clock, retentionMs, seed = 1 }: ServiceOptions) {
    this.clock = clock ?? new FakeClock()
    this.engine = engine ?? new StubEngine(undefined, () => this.clock.nowMs())
    const logger: Logger = {
      ...silentLogger,
      warn: (fields) => this.warnings.push(fields),
      error: (_, message) => this.errors.push(message),
    }
    const platform = { clock: this.clock, random: new SeededRandom(seed).next, logger }
    this.topics = new Topics({ engine: this.engine, platform })
    const settings = retentionMs === undefined ? undefined : { retentionMs }
    this.groups = new Groups({ engine: this.engine, platform, topics: this.topics, settings })
  }

  static closed(options: ServiceOptions = {}): GroupsHouse {
    return new GroupsHouse(options)
  }

  static async open(options: ServiceOptions = {}): Promise<GroupsHouse> {
    const house = new GroupsHouse(options)
    await house.topics.start()
    await house.groups.start()
    return house
  }

  async stop(): Promise<void> {
    this.topics.releaseWaiters()
    await this.groups.stop()
    await this.topics.stop()
  }

  /** The process dies and another one starts on what it left. */
  async restartAfterCrash(): Promise<GroupsHouse> {
    return await GroupsHouse.open({ engine: this.engine.crash(), clock: this.clock })
  }

  async topic(name: string, partitions: number): Promise<void> {
    await this.topics.create({ name, partitions })
  }

  async publish(topic: string, partition: number, ...values: string[]): Promise<void> {
    const batch = batchOf(...values.map((value) => ({ value })))
    await this.topics.get(topic).partition(partition).append(batch, 'leader')
  }

  async join(memberId: string, topics: readonly string[], more: Partial<JoinRequest> = {}) {
    const joined = await this.groups.join({ group: 'g', clientId: 'c', memberId, topics, ...more })
    return { ...joined, partitions: partitionNames(joined.partitions).join(' ') }
  }
}

/** Turns of the event loop until it holds; for what is a few promises away, never for time. */
export async function soon(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1_000; turn += 1) {
    if (holds()) return
    await new Promise(setImmediate)
  }
  throw new Error('it did not come to hold')
}
