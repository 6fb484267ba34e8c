/** Workers whose event loop is blocked, against a daemon that is another process; the renewing thread in the bundle. */
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  Admin,
  Connection,
  Producer,
  Worker,
  type WorkerOptions,
  type WorkerWarning,
} from '../../src/client/index.ts'
import { startDaemon, type TestDaemon } from '../support/daemon.ts'

/** With 30000 the handler blocks for a minute under a lease of 30 seconds. */
const LEASE_MS = Number(process.env['GOQUEUE_LEASE_MS'] ?? 1000)
const BLOCKED_MS = Math.max(2 * LEASE_MS, 3_500)

function blockFor(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

async function world(policy: object = {}) {
  const daemon = await startDaemon()
  const connection = new Connection({ url: daemon.url })
  onTestFinished(() => connection.close())
  await new Admin(connection).createTopic({ name: 't', partitions: 1 })
  await daemon.ask('PATCH', '/topics/t/delivery', { backoff: '20ms', ...policy })
  const producer = new Producer(connection)
  await producer.send({ topic: 't', value: 'a' })
  await producer.close()
  const warnings: WorkerWarning[] = []
  const worker = (options: Partial<WorkerOptions> & Pick<WorkerOptions, 'handler'>): Worker =>
    new Worker(connection, {
      ...{ group: 'g', topics: ['t'], leaseMs: LEASE_MS, sessionTimeoutMs: 2 * LEASE_MS },
      onWarning: (warning) => void warnings.push(warning),
      untilEmpty: true,
      ...options,
    })
  return { daemon, worker, warnings }
}

const stats = (daemon: TestDaemon): Promise<unknown> => daemon.ask('GET', '/reliability/stats')

describe('a handler that blocks the event loop', () => {
  test('keeps its message for many leases and sessions: one delivery', async () => {
    const { daemon, worker, warnings } = await world()
    const counts: number[] = []
    const one = worker({
      handler: ({ deliveryCount }) => {
        counts.push(deliveryCount)
        blockFor(BLOCKED_MS)
      },
    })
    await one.run()
    expect([counts, one.stats.acked, warnings]).toEqual([[1], 1, []])
    expect(await stats(daemon)).toMatchObject({
      ...{ acks_total: 1, deliveries_total: 1, expired_total: 0, members_died_total: 0 },
    })
  })

  test('loses it at maxRuntimeMs, while it still blocks', async () => {
    const { daemon, worker, warnings } = await world({ max_retries: 0 })
    let ended = 0
    const one = worker({
      maxRuntimeMs: 300,
      sessionTimeoutMs: 10_000,
      handler: () => {
        blockFor(1500)
        ended = Date.now()
      },
    })
    await one.run()
    expect(one.stats).toMatchObject({ acked: 0, late: 1 })
    expect(warnings).toMatchObject([{ code: 'HANDLER_TOO_LONG' }])
    const [letter] = await vi.waitFor(async () => {
      const reply = await daemon.ask('GET', '/topics/t/dlq')
      const { messages } = reply as { messages: { last_failed_at: string }[] }
      expect(messages).toHaveLength(1)
      return messages
    })
    const error = 'the handler ran longer than 300 ms'
    expect(letter).toMatchObject({ error, delivery_count: 1 })
    expect(Date.parse(letter?.last_failed_at ?? '')).toBeLessThan(ended - 500)
  })
})

describe('goqueue work', () => {
  test('lets go of what takes too long, also as it is shipped', async () => {
    const { daemon } = await world({ max_retries: 0 })
    const args = ['work', '-g', 'g', '-t', 't', '--until-empty', '--timeout', '200ms']
    const { code, stderr } = await daemon.run([...args, '--', 'sleep', '30'])
    expect(code).toBe(0)
    expect(stderr).toContain('kept its handler longer than 200 ms')
    await vi.waitFor(async () => {
      expect(await stats(daemon)).toMatchObject({ nacks_total: 1, dead_lettered_total: 1 })
    })
  })
})
