/**
 * Real input, urgent and delayed: 1,707 seismic events with priority by magnitude, worked through urgent ones first, and
 * for each one over 4.5 an aftershock check some time later, which outlives a crash of the broker.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { Client, type DelayedEntry, type Message } from '../../src/client/index.ts'
import type { PriorityName } from '../../src/kernel/priority.ts'
import { startDaemon } from '../support/daemon.ts'

interface Quake {
  readonly id: string
  readonly mag: number
  readonly net: string
}

const FILE = fileURLToPath(new URL('../fixtures/earthquakes.ndjson', import.meta.url))
const QUAKES = readFileSync(FILE, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Quake)
const STRONG = QUAKES.filter(({ mag }) => mag > 4.5)
const CHECK_MS = 3_600_000
/** When the checks are brought forward to: the broker is killed before, or in the midst of them. */
const SOON_MS = 500

const LEAST_MAGNITUDES: readonly (readonly [PriorityName, number])[] = [
  ['critical', 6],
  ['high', 5],
  ['normal', 4],
  ['low', 2],
]
const priorityOf = ({ mag }: Quake): PriorityName =>
  LEAST_MAGNITUDES.find(([, least]) => mag >= least)?.[0] ?? 'background'

const clientOf = (url: string): Client => {
  const client = new Client({ url })
  onTestFinished(() => client.close())
  return client
}

async function report(client: Client): Promise<void> {
  const producer = client.producer()
  const messages: Message[] = QUAKES.flatMap((quake) => {
    const { id: key, mag } = quake
    const event = {
      topic: 'quakes',
      key,
      value: JSON.stringify(quake),
      priority: priorityOf(quake),
    }
    const check = { topic: 'checks', key, value: `again at ${key}?`, delayMs: CHECK_MS }
    return mag > 4.5 ? [event, { ...check, priority: 'critical' }] : [event]
  })
  await producer.sendBatch(messages)
  await producer.close()
}

/** The events in the order in which they were handed out. */
async function workThrough(client: Client): Promise<Quake[]> {
  const order: Quake[] = []
  const worker = client.worker({
    ...{ group: 'seismology', topics: ['quakes'], untilEmpty: true, concurrency: 1, prefetch: 20 },
    handler: (message) => void order.push(message.json() as Quake),
  })
  await worker.run()
  return order
}

test('strong quakes come first, and each has its aftershock check, once and not too early', async () => {
  const daemon = await startDaemon()
  const before = clientOf(daemon.url)
  await before.admin.createTopic({ name: 'quakes', partitions: 3 })
  await before.admin.createTopic({ name: 'checks', partitions: 3 })
  await report(before)
  const checks: DelayedEntry[] = []
  for await (const check of before.delayed.list('checks')) checks.push(check)
  expect(checks).toHaveLength(STRONG.length)
  const [first, ...others] = checks
  if (first === undefined) throw new Error('nothing waits')
  const place = ['checks', `${first.partition}`, `${first.offset}`]
  expect((await daemon.run(['delayed', 'cancel', ...place])).code).toBe(0)
  const deliverAt = Date.now() + SOON_MS
  await Promise.all(others.map((check) => before.delayed.reschedule(check, { deliverAt })))
  await daemon.kill()

  const again = await startDaemon({ dataDir: daemon.dataDir })
  const after = clientOf(again.url)
  const order = await workThrough(after)
  expect(order.map(({ id }) => id).sort()).toEqual(QUAKES.map(({ id }) => id).sort())
  const meanPlaces = [...LEAST_MAGNITUDES.map(([name]) => name), 'background'].map((name) => {
    const places = order.flatMap((quake, at) => (priorityOf(quake) === name ? [at] : []))
    return places.reduce((sum, at) => sum + at, 0) / places.length
  })
  expect(meanPlaces).toEqual(meanPlaces.toSorted((a, b) => a - b))

  const seen = new Set<string>()
  const consumer = after.consumer({ topic: 'checks', from: 'earliest' })
  for await (const message of consumer) {
    expect(message.deliverAt).toBe(deliverAt)
    expect(message.timestamp).toBeGreaterThanOrEqual(deliverAt)
    expect(message.priority).toBe('critical')
    seen.add(message.keyText() ?? '')
    if (seen.size === STRONG.length - 1) break
  }
  const { total_messages } = await after.admin.describeTopic('checks')
  expect(total_messages).toBe(STRONG.length - 1)
  expect((await after.delayed.get(first)).state).toBe('cancelled')
  expect(await after.delayed.stats()).toMatchObject({
    ...{ pending_count: 0, cancelled_count: 1, delivered_count: STRONG.length - 1 },
  })
})
