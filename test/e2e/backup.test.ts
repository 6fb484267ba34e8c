/**
 * A backup of a broker at work: publishers, workers, delays and retention go on while it is made. What had been
 * acknowledged before it began is in it, and nothing that had been done is undone.
 */
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Client } from '../../src/client/index.ts'
import { readAll } from '../integration/client/readAll.ts'
import { goqueue, startDaemon, temporaryDirectory } from '../support/daemon.ts'

const PARTITIONS = 3
const LEASE_MS = 1_000

function clientOf(url: string): Client {
  const client = new Client({ url })
  onTestFinished(() => client.close())
  return client
}

/** Publishes, works and schedules until it is stopped; knows what the broker has confirmed. */
class Load {
  /** Where each job lies, by its value. */
  readonly published = new Map<string, string>()
  readonly acked = new Set<string>()
  readonly scheduled = new Set<string>()
  readonly #client: Client
  readonly #producers: Promise<void>[] = []
  readonly #worker: ReturnType<Client['worker']>
  readonly #values = new Map<string, string>()
  #isOver = false
  #wake: (() => void) | undefined

  constructor(client: Client) {
    this.#client = client
    this.#worker = client.worker({
      ...{ group: 'workers', topics: ['jobs'], assignment: 'shared', concurrency: 20 },
      ...{ leaseMs: LEASE_MS, sessionTimeoutMs: 1_000, heartbeatMs: 300 },
      handler: (message) => {
        this.#values.set(`${message.partition}:${message.offset}`, message.text())
      },
      onOutcome: ({ partition, offset, outcome }) => {
        const place = `${partition}:${offset}`
        if (outcome === 'acked') this.acked.add(this.#values.get(place) ?? place)
        this.#wake?.()
      },
      onWarning: () => undefined,
    })
  }

  async start(): Promise<void> {
    await this.#worker.start()
    const producer = this.#client.producer()
    for (let each = 0; each < 4; each += 1) {
      this.#producers.push(this.#publish(producer, each))
      this.#producers.push(this.#schedule(producer, each))
    }
  }

  /** Resolves when at least so many jobs are acknowledged. */
  async worked(count: number): Promise<void> {
    while (this.acked.size < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#producers)
    await this.#worker.close()
  }

  async #publish(producer: ReturnType<Client['producer']>, each: number): Promise<void> {
    for (let i = 0; !this.#isOver; i += 1) {
      const value = `${each}-${i}-`.padEnd(500, 'x')
      const { partition, offset } = await producer.send({ topic: 'jobs', value, key: `${i}` })
      this.published.set(value, `${partition}:${offset}`)
    }
  }

  async #schedule(producer: ReturnType<Client['producer']>, each: number): Promise<void> {
    for (let i = 0; !this.#isOver; i += 1) {
      const value = `later ${each}-${i}`
      // Some fire before the backup, some while it is made, some after it was restored.
      await producer.send({ topic: 'later', value, delayMs: 1 + ((i * 397) % 3000) })
      this.scheduled.add(value)
    }
  }
}

test('a backup under load holds all that was confirmed before it began', async () => {
  const directory = await temporaryDirectory()
  const [file, data] = [join(directory, 'b.tar'), join(directory, 'data')]
  const args = ['--segment-bytes', '128KiB', '--max-record-bytes', '64KiB', '--log-level', 'warn']
  const daemon = await startDaemon({ args: args.slice(0, 4) })
  const client = clientOf(daemon.url)
  await client.admin.createTopic({ name: 'jobs', partitions: PARTITIONS })
  await client.admin.createTopic({ name: 'later', partitions: PARTITIONS })
  const load = new Load(client)
  await load.start()
  await load.worked(500)

  const published = new Map(load.published)
  const acked = new Set(load.acked)
  const scheduled = new Set(load.scheduled)
  const floors = await client.admin.groupOffsets('workers')
  const made = await daemon.run(['backup', '--out', file])
  expect(made).toMatchObject({ code: 0, stderr: '' })
  await load.worked(load.acked.size + 100)
  await load.stop()
  await client.close()
  await daemon.kill()

  expect(await goqueue(['restore', file, '--data-dir', data])).toMatchObject({ code: 0 })
  const again = await startDaemon({ dataDir: data, args: args.slice(0, 4) })
  const after = clientOf(again.url)
  const jobs = await readAll(after.connection, 'jobs', PARTITIONS)
  for (const [value, place] of published) {
    const [partition = 0, offset = 0] = place.split(':').map(Number)
    expect(jobs[partition]?.[offset]?.value?.toString()).toBe(value)
  }
  const restored = (await after.admin.groupOffsets('workers'))['jobs']
  for (const [partition, floor] of Object.entries(floors['jobs'] ?? {})) {
    expect(restored?.[partition]).toBeGreaterThanOrEqual(floor)
  }
  await expectNothingAgain(after, acked)
  await expectOnce(after, scheduled)
})

/** Works through what is left: nothing of `acked` comes again, and nothing is left over. */
async function expectNothingAgain(client: Client, acked: ReadonlySet<string>): Promise<void> {
  const again: string[] = []
  const lag = async (): Promise<number> => {
    const { lag } = await client.admin.describeGroup('workers')
    return Object.values(lag['jobs'] ?? {}).reduce((sum, each) => sum + each, 0)
  }
  while ((await lag()) > 0) {
    const worker = client.worker({
      ...{ group: 'workers', topics: ['jobs'], assignment: 'shared', untilEmpty: true },
      ...{ pollWaitMs: LEASE_MS },
      handler: (message) => void again.push(message.text()),
    })
    await worker.run()
  }
  expect(again.filter((value) => acked.has(value))).toEqual([])
}

/** Waits for the last delayed message; each of `scheduled` came, and none twice. */
async function expectOnce(client: Client, scheduled: ReadonlySet<string>): Promise<void> {
  while ((await client.delayed.stats()).pending_count > 0) {
    await new Promise((resolve) => setImmediate(resolve))
  }
  const records = (await readAll(client.connection, 'later', PARTITIONS)).flat()
  const values = records.map(({ value }) => value?.toString())
  expect(new Set(values).size).toBe(values.length)
  expect([...scheduled].filter((value) => !values.includes(value))).toEqual([])
}
