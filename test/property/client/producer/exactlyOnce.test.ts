/**
 * Whatever the way to the broker does, everything accepted is in the log once, in the order of its calls, and what
 * was rejected is there at most once. Time is fake, so a run with minutes of timeouts takes milliseconds.
 */
import { describe, expect, test } from 'vitest'
import { type Message, Producer, type ProducerOptions } from '../../../../src/client/index.ts'
import { BrokerError } from '../../../../src/kernel/errors.ts'
import { KiB } from '../../../../src/kernel/units.ts'
import { drive, turn } from '../../../support/drive.ts'
import { FakeClock } from '../../../support/fakeClock.ts'
import { baseSeed, SeededRandom } from '../../../support/random.ts'
import { type Fault, StubBroker } from '../../../support/stub/broker.ts'
import { MemoryConnection } from '../../../support/stub/memoryConnection.ts'

interface Fate {
  readonly message: Message
  /** Undefined while it is on its way. */
  outcome: 'stored' | string | undefined
  offset: number
}

interface Run {
  readonly random: SeededRandom
  readonly clock: FakeClock
  readonly broker: StubBroker
  readonly producer: Producer
  readonly fates: Fate[]
}

const RUNS = Number(process.env['GOQUEUE_RUNS'] ?? (process.env['CI'] === 'true' ? 60 : 20))
const STEPS = 50
const PARTITIONS = 4

function fault(random: SeededRandom, badness: number): Fault | undefined {
  const someMs = (): number => (random.chance(badness) ? random.int(400) : random.int(3))
  const way = { delayMs: someMs(), replyDelayMs: someMs() }
  const kind = random.next() / badness
  if (kind < 0.25) return { ...way, cut: true }
  if (kind < 0.5) return { ...way, dropReply: true }
  if (kind < 0.65) return { ...way, refuse: new BrokerError('BROKER_OVERLOADED', 'busy') }
  if (kind < 0.7) {
    return { ...way, refuse: new BrokerError('STORAGE_ERROR', 'full', { retryAfterMs: 1000 }) }
  }
  if (kind < 0.72) return { ...way, refuse: new BrokerError('RECORD_TOO_LARGE', 'no') }
  return way
}

function begin(seed: number): Run {
  const random = new SeededRandom(seed)
  const clock = new FakeClock()
  const broker = new StubBroker(clock)
  broker.createTopic('t', PARTITIONS)
  const badness = random.pick([0.05, 0.3, 0.7])
  const faults = random.fork()
  broker.fault = () => fault(faults, badness)
  const options: ProducerOptions = {
    lingerMs: random.pick([0, 1, 5]),
    batchMessages: random.pick([1, 7, 100]),
    requestBytes: random.pick([1, 256]) * KiB,
    inFlightMax: random.between(1, 5),
    bufferBytes: random.pick([4, 64, 1024]) * KiB,
    deliveryTimeoutMs: random.pick([2000, 120_000]),
    requestTimeoutMs: random.pick([100, 1000]),
    maxBlockMs: random.pick([5000, 600_000]),
    clock,
    random: random.fork().next,
    onWarning: () => undefined,
  }
  // Unordered: requests overtake each other as they never would over one connection.
  const connection = new MemoryConnection(broker, { ordered: random.chance(0.7) })
  return { random, clock, broker, producer: new Producer(connection, options), fates: [] }
}

function sendOne({ producer, random, fates }: Run): void {
  const i = fates.length
  const message: Message = {
    topic: 't',
    key: `k${random.int(9)}`,
    value: `${i}`,
    ...(random.chance(0.05) ? { priority: 'critical' } : {}),
    ...(random.chance(0.1) ? { headers: { i: `${i}` } } : {}),
  }
  const fate: Fate = { message, outcome: undefined, offset: -1 }
  fates.push(fate)
  producer.send(message).then(
    ({ offset }) => Object.assign(fate, { outcome: 'stored', offset }),
    (error: BrokerError) => Object.assign(fate, { outcome: error.code }),
  )
}

function sendMany({ producer, random, fates }: Run): void {
  const many = Array.from({ length: random.between(2, 40) }, (_, n): Fate => {
    const message = { topic: 't', key: `k${random.int(9)}`, value: `${fates.length + n}` }
    return { message, outcome: undefined, offset: -1 }
  })
  fates.push(...many)
  producer.sendBatch(many.map(({ message }) => message)).then(
    (delivered) => {
      for (const [n, { offset }] of delivered.positions().entries()) {
        Object.assign(many[n] as Fate, { outcome: 'stored', offset })
      }
    },
    // Some of it may be stored: which is not told.
    (error: BrokerError) => {
      for (const fate of many) fate.outcome = error.code
    },
  )
}

async function act(run: Run): Promise<void> {
  const { random, clock, producer } = run
  for (let step = 0; step < STEPS; step += 1) {
    for (let i = random.int(12); i > 0; i -= 1) sendOne(run)
    if (random.chance(0.2)) sendMany(run)
    if (random.chance(0.03)) void producer.flush()
    if (random.chance(0.7)) await turn()
    if (random.chance(0.5)) clock.advance(random.int(50))
    expect(producer.bufferedBytes).toBeLessThanOrEqual(1024 * KiB)
  }
  const closed = producer.close()
  sendOne(run)
  await drive(clock, closed, 20)
  await turn()
}

function judge({ broker, fates, producer, clock }: Run): void {
  const stored = new Map<string, { partition: number; offset: number; key: string }>()
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    for (const { value, key, offset } of broker.log('t', partition).records()) {
      const text = value?.toString() ?? ''
      expect(stored.has(text), `message ${text} is stored twice`).toBe(false)
      stored.set(text, { partition, offset, key: key?.toString() ?? '' })
    }
  }
  const lastOfKey = new Map<string, number>()
  for (const [i, { outcome, offset, message }] of fates.entries()) {
    expect(outcome, `message ${i} was never settled`).toBeDefined()
    const place = stored.get(`${i}`)
    if (outcome === 'stored') expect(place?.offset, `message ${i}`).toBe(offset)
    if (place === undefined) continue
    const last = lastOfKey.get(`${message.key}`) ?? -1
    expect(place.offset, `message ${i} is in order`).toBeGreaterThan(last)
    lastOfKey.set(`${message.key}`, place.offset)
  }
  expect(fates.at(-1)?.outcome).toBe('CLIENT_CLOSED')
  expect(producer.bufferedBytes).toBe(0)
  const definite = fates.filter(({ outcome }) => outcome === 'RECORD_TOO_LARGE')
  expect(definite.length).toBeLessThan(fates.length)
  void clock
}

describe('everything accepted is in the log once and in order per key', () => {
  const first = baseSeed()
  test.each(Array.from({ length: RUNS }, (_, i) => first * 1000 + i))('seed %i', async (seed) => {
    const run = begin(seed)
    await act(run)
    judge(run)
  })
})
