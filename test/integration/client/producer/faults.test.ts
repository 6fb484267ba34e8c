/** The producer over real sockets, to a broker that drops replies, cuts sockets and takes its time. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { Connection, Producer, type ProducerOptions } from '../../../../src/client/index.ts'
import { BrokerError } from '../../../../src/kernel/errors.ts'
import { systemClock } from '../../../../src/kernel/systemClock.ts'
import { KiB } from '../../../../src/kernel/units.ts'
import { baseSeed, SeededRandom } from '../../../support/random.ts'
import { type Fault, StubBroker } from '../../../support/stub/broker.ts'
import { type StubServer, serveStub } from '../../../support/stub/server.ts'

const PARTITIONS = 6

interface World {
  readonly broker: StubBroker
  readonly server: StubServer
  readonly connection: Connection
  readonly producer: Producer
}

async function setup(options: ProducerOptions): Promise<World> {
  const broker = new StubBroker(systemClock)
  broker.createTopic('t', PARTITIONS)
  const server = await serveStub(broker)
  onTestFinished(() => server.close())
  const connection = new Connection({ url: server.url, lanesMax: 3 })
  const producer = new Producer(connection, { onWarning: () => undefined, ...options })
  return { broker, server, connection, producer }
}

const FAULTS: readonly (Fault | undefined)[] = [
  { cut: true },
  { dropReply: true },
  { delayMs: 30 },
  { delayMs: 20, dropReply: true },
  { refuse: new BrokerError('BROKER_OVERLOADED', 'busy') },
]

/** Every value once, and those of a key in ascending order. */
function judge(broker: StubBroker, count: number): void {
  const seen = new Set<number>()
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const last = new Map<string, number>()
    for (const { key, value } of broker.log('t', partition).records()) {
      const n = Number(value)
      const name = key?.toString() ?? ''
      expect(seen.has(n), `${n} is stored once`).toBe(false)
      expect(n, `${n} comes after the one before it`).toBeGreaterThan(last.get(name) ?? -1)
      seen.add(n)
      last.set(name, n)
    }
  }
  expect(seen.size).toBe(count)
}

describe('the producer over a bad line', () => {
  const seeds = [0, 1, 2].map((i) => baseSeed() * 100 + i)

  test.each(seeds)('stores everything once and in order per key (seed %i)', async (seed) => {
    const random = new SeededRandom(seed)
    const { broker, server, connection, producer } = await setup({
      lingerMs: random.pick([0, 1]),
      batchMessages: 20,
      retryBackoffMs: 5,
      retryBackoffMaxMs: 50,
      requestTimeoutMs: 10_000,
    })
    broker.fault = ({ path }) =>
      path.endsWith('/messages') && random.chance(0.15) ? random.pick(FAULTS) : undefined
    const count = 5000
    for (let n = 0; n < count; n += 100) {
      const sent = Array.from({ length: 100 }, (_, i) =>
        producer.send({ topic: 't', key: `k${(n + i) % 17}`, value: `${n + i}` }),
      )
      if (random.chance(0.5)) await Promise.all(sent)
      else for (const each of sent) each.catch(() => undefined)
    }
    await producer.close()
    judge(broker, count)
    await connection.close()
    await server.quiet()
  })

  test('keeps its memory within its buffer while the broker is slow', async () => {
    const { broker, connection, producer } = await setup({ bufferBytes: 256 * KiB, lingerMs: 0 })
    broker.fault = ({ path }) => (path.endsWith('/messages') ? { delayMs: 5 } : undefined)
    const value = Buffer.alloc(1000)
    let largest = 0
    const sent = Array.from({ length: 2000 }, async (_, n) => {
      const delivery = await producer.send({ topic: 't', key: `k${n % 17}`, value })
      largest = Math.max(largest, producer.bufferedBytes)
      return delivery
    })
    await Promise.all(sent)
    expect(largest).toBeGreaterThan(128 * KiB)
    expect(largest).toBeLessThanOrEqual(256 * KiB)
    await producer.close()
    await connection.close()
  })
})
