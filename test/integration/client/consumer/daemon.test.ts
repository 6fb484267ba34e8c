/** Consumers and the daemon itself. */
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  Admin,
  Connection,
  Consumer,
  GroupConsumer,
  type GroupConsumerOptions,
  Producer,
} from '../../../../src/client/index.ts'
import { systemClock } from '../../../../src/kernel/systemClock.ts'
import { startInProcess } from '../../../support/inProcessDaemon.ts'
import { StubBroker } from '../../../support/stub/broker.ts'
import { serveStub } from '../../../support/stub/server.ts'

const PARTITIONS = 6

class World {
  readonly url: string
  readonly connection: Connection
  readonly producer: Producer
  sent = 0
  readonly warnings: string[] = []

  constructor(url: string) {
    this.url = url
    this.connection = new Connection({ url })
    this.producer = new Producer(this.connection, { lingerMs: 0 })
    onTestFinished(async () => {
      await this.producer.close({ timeoutMs: 0 })
      await this.connection.close()
    })
  }

  async send(count: number): Promise<void> {
    const messages = Array.from({ length: count }, (_, i) => ({
      topic: 't',
      key: `k${(this.sent + i) % 50}`,
      value: `${this.sent + i}`,
    }))
    this.sent += count
    await this.producer.sendBatch(messages)
  }

  member(options: Partial<GroupConsumerOptions> = {}): GroupConsumer {
    const consumer = new GroupConsumer(this.connection, {
      group: 'g',
      topics: ['t'],
      retryBackoffMs: 10,
      onWarning: ({ code }) => void this.warnings.push(code),
      ...options,
    })
    onTestFinished(() => consumer.close())
    return consumer
  }

  async lag(): Promise<number> {
    const reply = await this.connection.askJson({ method: 'GET', path: '/groups/g' })
    const { lag } = reply as { lag: Record<string, Record<string, number>> }
    return Object.values(lag['t'] ?? {}).reduce((sum, n) => sum + n, 0)
  }
}

async function setup(): Promise<World> {
  const daemon = await startInProcess()
  const world = new World(daemon.url)
  await new Admin(world.connection).createTopic({ name: 't', partitions: PARTITIONS })
  return world
}

/** What came, in order, and a promise for when all of `0 … count-1` has come at least once. */
class Seen {
  readonly values: { readonly key: string; readonly n: number }[] = []
  readonly #distinct = new Set<number>()
  #count = Number.POSITIVE_INFINITY
  #reached: (() => void) | undefined

  add(key: string, n: number): void {
    this.values.push({ key, n })
    this.#distinct.add(n)
    if (this.#distinct.size >= this.#count) this.#reached?.()
  }

  all(count: number): Promise<void> {
    this.#count = count
    return new Promise((resolve) => {
      this.#reached = resolve
      if (this.#distinct.size >= count) resolve()
    })
  }
}

const follow = (consumer: GroupConsumer | Consumer, ...seen: readonly Seen[]): Promise<void> =>
  consumer.eachMessage((message) => {
    for (const each of seen) each.add(message.keyText() ?? '', Number(message.text()))
  })

describe('a consumer and the daemon', () => {
  test('read a whole topic, then what comes', async () => {
    const world = await setup()
    await world.send(3000)
    const consumer = new Consumer(world.connection, { topic: 't' })
    const seen = new Seen()
    const run = follow(consumer, seen)
    await seen.all(3000)
    await world.send(50)
    await seen.all(3050)
    await consumer.close()
    await run
    expect(seen.values).toHaveLength(3050)
  })

  test('leave no socket behind', async () => {
    const broker = new StubBroker(systemClock)
    broker.createTopic('t', 2)
    const server = await serveStub(broker)
    onTestFinished(() => server.close())
    const connection = new Connection({ url: server.url })
    const options = { group: 'g', topics: ['t'], onWarning: () => undefined }
    const consumer = new GroupConsumer(connection, options)
    const run = consumer.eachMessage(() => undefined)
    await consumer.start()
    await consumer.close()
    await run
    await connection.close()
    await server.quiet()
  })

  test('find a time', async () => {
    const world = await setup()
    await world.send(100)
    const [last] = (await world.producer.sendBatch([{ topic: 't', value: 'x' }])).runs
    const consumer = new Consumer(world.connection, {
      topic: 't',
      from: { time: (last?.timestamp ?? 0) + 60_000 },
    })
    await consumer.start()
    const ends = consumer.positions.reduce((sum, { offset }) => sum + offset, 0)
    expect(ends).toBe(101)
    await consumer.close()
  })
})

describe('a group and the daemon', () => {
  test('share the work while members come and go: everything is processed, each key in order', async () => {
    const world = await setup()
    const seen = new Seen()
    const mine = [new Seen(), new Seen(), new Seen(), new Seen()]
    await world.send(2000)
    const members = mine.slice(0, 3).map((own) => {
      const member = world.member({ autoCommitMs: 20 })
      void follow(member, seen, own)
      return member
    })
    await seen.all(2000)
    await world.send(2000)
    await members[0]?.close()
    await world.send(2000)
    const late = world.member({ autoCommitMs: 20 })
    void follow(late, seen, mine[3] as Seen)
    await world.send(2000)
    await seen.all(8000)
    // What was processed and not committed when its partition moved is processed again, by its new owner.
    while ((await world.lag()) > 0) await new Promise(setImmediate)
    for (const member of [...members.slice(1), late]) await member.close()
    expect(await world.lag()).toBe(0)
    // A member that begins again at what was committed has seen what comes then, or all of it is new.
    for (const own of mine) {
      const last = new Map<string, number>()
      const known = new Set<number>()
      for (const { key, n } of own.values) {
        if (!known.has(n)) expect(n).toBeGreaterThan(last.get(key) ?? -1)
        known.add(n)
        last.set(key, Math.max(n, last.get(key) ?? -1))
      }
    }
  })

  test('go on after a restart of the daemon, without a rebalance', async () => {
    const daemon = await startInProcess()
    const world = new World(daemon.url)
    await new Admin(world.connection).createTopic({ name: 't', partitions: PARTITIONS })
    const seen = new Seen()
    const changes: string[] = []
    const member = world.member({
      heartbeatMs: 50,
      onAssigned: () => void changes.push('assigned'),
      onRevoked: () => void changes.push('revoked'),
    })
    void follow(member, seen)
    await world.send(500)
    await seen.all(500)
    await daemon.stop()
    const port = Number(new URL(daemon.url).port)
    await startInProcess({ dataDir: daemon.dataDir, port })
    await world.send(500)
    await seen.all(1000)
    await member.commit()
    expect(await world.lag()).toBe(0)
    expect(seen.values).toHaveLength(1000)
    expect(changes).toEqual(['assigned'])
    expect(world.warnings).not.toContain('MEMBERSHIP_LOST')
  })

  test('tell a newcomer from the others within a moment', async () => {
    const world = await setup()
    const first = world.member()
    void first.eachMessage(() => undefined)
    await first.start()
    const second = world.member()
    let assigned: ((count: number) => void) | undefined
    const share = new Promise<number>((resolve) => {
      assigned = resolve
    })
    const third = world.member({ onAssigned: (positions) => assigned?.(positions.length) })
    void second.eachMessage(() => undefined)
    await second.start()
    const startMs = performance.now()
    void third.eachMessage(() => undefined)
    expect(await share).toBe(2)
    expect(performance.now() - startMs).toBeLessThan(2000)
  })
})
