/**
 * A queue that is worked through by processes that crash, hang, fail and reject, while the daemon is killed again and
 * again. In the end nothing is lost, nothing that was acknowledged was handed out after that, and what is hopeless lies
 * among the dead letters once, comes back when it is asked for, and leaves the queue empty.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { Admin, Connection, DeadLetters, Producer, Worker } from '../../src/client/index.ts'
import { startDaemon, type TestDaemon, temporaryDirectory } from '../support/daemon.ts'

/** GOQUEUE_MESSAGES=100000 GOQUEUE_KILLS=10 for more. */
const MESSAGES = Number(process.env['GOQUEUE_MESSAGES'] ?? 30_000)
const KILLS = Number(process.env['GOQUEUE_KILLS'] ?? 6)
const WORKERS = 8
const PARTITIONS = 6
const POISON_EVERY = 1000
const CRASHES = 6
const SCRIPT = fileURLToPath(new URL('./support/queueWorker.mjs', import.meta.url))

/** What the workers said of each message. */
class Account {
  /** By partition and offset: the last delivery count that was handed out, and the first that was acknowledged. */
  readonly given = new Map<string, number>()
  readonly acked = new Map<string, number>()
  readonly counts = new Map<string, number>()
  #watches: { readonly what: string; readonly count: number; readonly reached: () => void }[] = []

  add(line: string): void {
    const [what = '', partition, offset, deliveries] = line.split(' ')
    const place = `${partition}/${offset}`
    const delivery = Number(deliveries)
    const { given, acked } = this
    if (what === 'given') given.set(place, Math.max(given.get(place) ?? 0, delivery))
    if (what === 'acked') acked.set(place, Math.min(acked.get(place) ?? delivery, delivery))
    const count = (this.counts.get(what) ?? 0) + 1
    this.counts.set(what, count)
    for (const watch of this.#watches) {
      if (watch.what === what && count === watch.count) watch.reached()
    }
  }

  reached(what: string, count: number): Promise<void> {
    if ((this.counts.get(what) ?? 0) >= count) return Promise.resolve()
    return new Promise((reached) => void this.#watches.push({ what, count, reached }))
  }

  handedOutAfterAck(): string[] {
    return [...this.acked].flatMap(([place, deliveries]) =>
      (this.given.get(place) ?? 0) > deliveries ? [place] : [],
    )
  }
}

/** Starts worker after worker as they crash, until it is stopped. */
class Crew {
  readonly #url: string
  readonly #account: Account
  readonly #children = new Set<ChildProcess>()
  crashes = 0
  #isOver = false

  constructor(url: string, account: Account) {
    this.#url = url
    this.#account = account
  }

  start(): void {
    const crashShare = this.crashes < CRASHES ? (CRASHES * 2) / MESSAGES : 0
    const chances = [crashShare, 20 / MESSAGES, 0.01].map(String)
    const child = spawn(process.execPath, [SCRIPT, this.#url, 'w', ...chances], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#children.add(child)
    createInterface({ input: child.stdout }).on('line', (line) => this.#account.add(line))
    child.on('close', () => {
      this.#children.delete(child)
      if (this.#isOver) return
      this.crashes += 1
      this.start()
    })
  }

  async stop(): Promise<void> {
    this.#isOver = true
    const closed = [...this.#children].map(
      (child) => new Promise((resolve) => void child.on('close', resolve)),
    )
    for (const child of this.#children) child.kill('SIGTERM')
    await Promise.all(closed)
  }

  kill(): void {
    this.#isOver = true
    for (const child of this.#children) child.kill('SIGKILL')
  }
}

const isPoison = (i: number): boolean => i % POISON_EVERY === 0

async function publish(connection: Connection): Promise<void> {
  const producer = new Producer(connection)
  const messages = Array.from({ length: MESSAGES }, (_, i) => ({
    ...{ topic: 'jobs', partition: i % PARTITIONS },
    value: isPoison(i) ? `poison ${i}` : `job ${i}`,
  }))
  await producer.sendBatch(messages)
  await producer.close()
}

async function settled(daemon: TestDaemon): Promise<number> {
  const reply = (await daemon.ask('GET', '/groups/crew/offsets')) as {
    offsets: { jobs?: Record<string, number> }
  }
  return Object.values(reply.offsets.jobs ?? {}).reduce((sum, each) => sum + each, 0)
}

/** Asked of the broker again and again: there is no news of it. */
async function untilSettled(daemon: TestDaemon, count: number): Promise<void> {
  while ((await settled(daemon)) < count) {
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

test(`${WORKERS} workers that die, ${KILLS} deaths of the daemon: nothing is lost, nothing done is done again`, async () => {
  const dataDir = await temporaryDirectory()
  let daemon = await startDaemon({ dataDir })
  const { url, port } = daemon
  const connection = new Connection({ url })
  onTestFinished(() => connection.close())
  await new Admin(connection).createTopic({ name: 'jobs', partitions: PARTITIONS })
  await daemon.ask('PATCH', '/topics/jobs/delivery', {
    ...{ backoff: '50ms', backoff_factor: 1, max_retries: 12 },
  })
  await publish(connection)

  const account = new Account()
  const crew = new Crew(url, account)
  onTestFinished(() => crew.kill())
  for (let i = 0; i < WORKERS; i += 1) crew.start()
  for (let kill = 1; kill <= KILLS; kill += 1) {
    await account.reached('acked', Math.floor((kill * MESSAGES) / (KILLS + 2)))
    await daemon.kill()
    daemon = await startDaemon({ dataDir, port })
  }
  await untilSettled(daemon, MESSAGES)
  await crew.stop()

  expect(account.given.size).toBe(MESSAGES)
  expect(account.handedOutAfterAck()).toEqual([])
  expect(crew.crashes).toBeGreaterThan(0)

  const letters = new DeadLetters(connection)
  const dead: string[] = []
  for await (const letter of letters.list('jobs')) {
    dead.push(letter.value ?? '')
    const { group, error, reason, delivery_count, failures } = letter
    const isRejected = reason === 'rejected'
    expect({ group, error, isDue: isRejected || failures === 13 }).toEqual({
      ...{ group: 'crew', isDue: true },
      error: isRejected ? 'poison' : expect.any(String),
    })
    expect(delivery_count).toBeGreaterThan(0)
  }
  const poison = Array.from({ length: MESSAGES }, (_, i) => i).filter(isPoison)
  expect(dead.toSorted()).toEqual(poison.map((i) => `poison ${i}`).toSorted())

  const task = await letters.redrive('jobs', { rate: 10_000 })
  const cured: string[] = []
  const healer = new Worker(connection, {
    ...{ group: 'crew', topics: ['jobs'], assignment: 'shared', onWarning: () => undefined },
    handler: (message) => void cured.push(message.text()),
  })
  onTestFinished(() => healer.close({ timeoutMs: 0 }))
  await healer.start()
  await untilSettled(daemon, MESSAGES + poison.length)
  await healer.close()
  expect(cured.toSorted()).toEqual(dead.toSorted())
  expect(await letters.task('jobs', task.task_id)).toMatchObject({ redriven: poison.length })
  expect(await daemon.ask('GET', '/groups/crew')).toMatchObject({ state: 'empty' })
  await daemon.stop()
}, 180_000)
