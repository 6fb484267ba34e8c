import { Producer, type ProducerOptions } from '../../../../src/client/index.ts'
import { FakeClock } from '../../../support/fakeClock.ts'
import { SeededRandom } from '../../../support/random.ts'
import { StubBroker } from '../../../support/stub/broker.ts'
import { MemoryConnection } from '../../../support/stub/memoryConnection.ts'

export interface Bench {
  readonly clock: FakeClock
  readonly broker: StubBroker
  readonly connection: MemoryConnection
  readonly producer: Producer
  /** Codes of the producer's warnings. */
  readonly warnings: string[]
}

export interface SetupOptions extends ProducerOptions {
  readonly partitions?: number
  readonly seed?: number
  /** False: requests may overtake each other. Default true. */
  readonly ordered?: boolean
}

/** A producer, a stub broker with topic `t` of `partitions`, and time that stands still. */
export function setup(options: SetupOptions = {}): Bench {
  const { partitions = 1, seed = 1, ordered = true, ...rest } = options
  const clock = new FakeClock()
  const broker = new StubBroker(clock)
  broker.createTopic('t', partitions)
  const connection = new MemoryConnection(broker, { ordered })
  const warnings: string[] = []
  const producer = new Producer(connection, {
    clock,
    random: new SeededRandom(seed).next,
    onWarning: ({ code }) => void warnings.push(code),
    ...rest,
  })
  return { clock, broker, connection, producer, warnings }
}

export const messages = (count: number, topic = 't') =>
  Array.from({ length: count }, (_, i) => ({ topic, value: `${i}` }))

/** Requests that published, by their bytes. */
export const publishes = ({ broker }: Bench) =>
  broker.served.filter(({ path }) => path.endsWith('/messages'))
