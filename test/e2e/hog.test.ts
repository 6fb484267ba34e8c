/**
 * Slow background work keeps workers busy; what is critical must not wait for it. The broker is another process. Here the
 * background work does not end before it is told to: a critical message that needs one of its places is never handled.
 * How many milliseconds it takes is a matter of the bench (`lanes-hog`).
 */
import { expect, onTestFinished, test } from 'vitest'
import { Admin, Connection, Producer, Worker, type WorkMessage } from '../../src/client/index.ts'
import { startDaemon } from '../support/daemon.ts'

const WORKERS = 2
const CONCURRENCY = 4
/** What low lanes may keep: three quarters. */
const LOW_PLACES = WORKERS * (CONCURRENCY - 1)
const BACKGROUND = 400
const ONE_BY_ONE = 20
const AT_ONCE = 40

/** Something that is waited for, and when it is over. */
function signal(): { readonly passed: Promise<void>; readonly pass: () => void } {
  let pass: () => void = () => undefined
  const passed = new Promise<void>((resolve) => {
    pass = resolve
  })
  return { passed, pass }
}

test('critical messages are handled while background work has all the places it may keep', async () => {
  const daemon = await startDaemon()
  const connection = new Connection({ url: daemon.url })
  onTestFinished(() => connection.close())
  await new Admin(connection).createTopic({ name: 't', partitions: 3 })
  const producer = new Producer(connection)
  onTestFinished(() => producer.close())
  const background = Array.from({ length: BACKGROUND }, (_, i) => ({
    ...{ topic: 't', value: `${i}`, priority: 'background' as const },
  }))
  await producer.sendBatch(background)

  const done = signal()
  const running = { now: 0, most: 0, ended: 0 }
  const critical = new Map<string, () => void>()
  const handler = async (message: WorkMessage): Promise<void> => {
    if (message.priority === 'critical') return critical.get(message.text())?.()
    running.now += 1
    running.most = Math.max(running.most, running.now)
    await done.passed
    running.now -= 1
    running.ended += 1
  }
  const workers = Array.from({ length: WORKERS }, () => {
    const worker = new Worker(connection, {
      ...{ group: 'g', topics: ['t'], assignment: 'shared' as const, concurrency: CONCURRENCY },
      handler,
    })
    onTestFinished(() => worker.close({ timeoutMs: 0 }))
    return worker
  })
  onTestFinished(done.pass)
  await Promise.all(workers.map((worker) => worker.start()))
  await expect.poll(() => running.now, { timeout: 30_000 }).toBe(LOW_PLACES)

  /** Resolves when a worker has it. */
  const handled = async (value: string): Promise<void> => {
    const { passed, pass } = signal()
    critical.set(value, pass)
    await producer.send({ topic: 't', value, priority: 'critical' })
    await passed
  }
  for (let i = 0; i < ONE_BY_ONE; i += 1) await handled(`alone ${i}`)
  await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => handled(`together ${i}`)))

  // All of the background work that was there first is still there: nothing of it has made room.
  expect(running).toEqual({ now: LOW_PLACES, most: LOW_PLACES, ended: 0 })
  done.pass()
  await expect.poll(() => running.ended, { timeout: 60_000 }).toBe(BACKGROUND)
  expect(running.most).toBe(LOW_PLACES)
})
