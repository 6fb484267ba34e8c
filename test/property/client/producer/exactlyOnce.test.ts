/**
 * Whatever the way to the broker does, everything accepted is in the log once, in the order of its calls, and what
 * was rejected is there at most once; so it is with messages for later and the delay log. Time is fake, so a run with minutes of timeouts takes milliseconds.
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
  /** Undefined where it is for now. */
  readonly dueMs: number | undefined
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

/** For later, one in three. */
function someWhen({ random, clock }: Run) {
  if (!random.chance(0.3)) return { when: {}, dueMs: undefined }
  const delayMs = random.between(1, 600_000)
  const dueMs = Math.ceil(clock.nowMs() + delayMs)
  return { when: random.chance(0.5) ? { delayMs } : { deliverAt: dueMs }, dueMs }
}

function sendOne(run: Run): void {
  const { producer, random, fates } = run
  const i = fates.length
  const { when, dueMs } = someWhen(run)
  const message: Message = {
    topic: 't',
    key: `k${random.int(9)}`,
    value: `${i}`,
    ...(random.chance(0.05) ? { priority: 'critical' } : {}),
    ...(random.chance(0.1) ? { headers: { i: `${i}` } } : {}),
    ...when,
  }
  const fate: Fate = { message, dueMs, outcome: undefined, offset: -1 }
  fates.push(fate)
  producer.send(message).then(
    ({ offset }) => Object.assign(fate, { outcome: 'stored', offset }),
    (error: BrokerError) => Object.assign(fate, { outcome: error.code }),
  )
}

function sendMany(run: Run): void {
  const { producer, random, fates } = run
  const many = Array.from({ length: random.between(2, 40) }, (_, n): Fate => {
    const { when, dueMs } = someWhen(run)
    const message = { topic: 't', key: `k${random.int(9)}`, value: `${fates.length + n}`, ...when }
    return { message, dueMs, outcome: undefined, offset: -1 }
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

/** What no way to the broker, however bad, makes of a message. */
const NEVER = ['CORRUPT_RECORD', 'INVALID_REQUEST', 'UNKNOWN']

interface Place {
  readonly offset: number
  readonly dueMs: number | undefined
}

/** Where each message is, by its text. */
function placesIn(broker: StubBroker): Map<string, Place> {
  const stored = new Map<string, Place>()
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const logs = [broker.log('t', partition), broker.delayLog('t', partition)]
    for (const { value, offset, extension } of logs.flatMap((log) => log.records())) {
      const text = value?.toString() ?? ''
      expect(stored.has(text), `message ${text} is stored twice`).toBe(false)
      stored.set(text, { offset, dueMs: extension?.origin?.dueMs })
    }
  }
  return stored
}

function judge({ broker, fates, producer }: Run): void {
  const stored = placesIn(broker)
  const lastOfKey = new Map<string, number>()
  for (const [i, { outcome, offset, message, dueMs }] of fates.entries()) {
    expect(outcome, `message ${i} was never settled`).toBeDefined()
    expect(NEVER, `message ${i}`).not.toContain(outcome)
    const place = stored.get(`${i}`)
    if (outcome === 'stored') expect(place?.offset, `message ${i}`).toBe(offset)
    if (place === undefined) continue
    expect(place.dueMs, `message ${i} is for its time`).toBe(dueMs)
    const line = `${message.key} ${dueMs === undefined ? 'now' : 'later'}`
    expect(place.offset, `message ${i} is in order`).toBeGreaterThan(lastOfKey.get(line) ?? -1)
    lastOfKey.set(line, place.offset)
  }
  expect(fates.at(-1)?.outcome).toBe('CLIENT_CLOSED')
  expect(producer.bufferedBytes).toBe(0)
  const definite = fates.filter(({ outcome }) => outcome === 'RECORD_TOO_LARGE')
  expect(definite.length).toBeLessThan(fates.length)
}

describe('everything accepted is in the log once and in order per key', () => {
  const first = baseSeed()
  test.each(Array.from({ length: RUNS }, (_, i) => first * 1000 + i))('seed %i', async (seed) => {
    const run = begin(seed)
    await act(run)
    judge(run)
  })
})
