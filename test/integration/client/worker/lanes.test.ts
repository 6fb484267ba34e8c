import { describe, expect, onTestFinished, test } from 'vitest'
import { Producer, type WorkMessage } from '../../../../src/client/index.ts'
import { Calls, workWorld } from './setup.ts'

type Priority = NonNullable<Parameters<Producer['send']>[0]['priority']>

/** Handlers that stay at work until they are let go. */
class Slow {
  readonly calls: Calls
  /** Messages at work, by priority. */
  readonly running: Record<string, number> = {}
  most: Record<string, number> = {}
  readonly #waiting: (() => void)[] = []
  #isOver = false

  constructor(isSlow: (message: WorkMessage) => boolean = () => true) {
    this.calls = new Calls(async (message) => {
      const { priority } = message
      this.running[priority] = (this.running[priority] ?? 0) + 1
      this.most[priority] = Math.max(this.most[priority] ?? 0, this.running[priority])
      if (isSlow(message) && !this.#isOver) {
        await new Promise<void>((resolve) => void this.#waiting.push(resolve))
      }
      this.running[priority] -= 1
    })
  }

  letOneGo(): void {
    this.#waiting.shift()?.()
  }

  letAllGo(): void {
    this.#isOver = true
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

async function laneWorld() {
  const world = await workWorld({ partitions: 1 })
  const producer = new Producer(world.connection)
  onTestFinished(() => producer.close())
  let sent = 0
  const send = async (priority: Priority, count = 1): Promise<void> => {
    const messages = Array.from({ length: count }, () => {
      sent += 1
      return { topic: 't', value: `${priority}-${sent}`, priority }
    })
    await producer.sendBatch(messages)
  }
  return { ...world, send }
}

describe('worker and priorities', () => {
  test('begins with what is most urgent of what waits here', async () => {
    const { worker, send } = await laneWorld()
    const slow = new Slow()
    const one = worker({ handler: slow.calls.handler, concurrency: 1, prefetch: 10 })
    await send('normal')
    await one.start()
    await slow.calls.until(1)
    await send('normal')
    await send('high')
    await send('critical')
    // It goes on polling while its one handler is busy, so they come.
    await expect.poll(() => one.waiting).toBe(3)
    slow.letAllGo()
    await slow.calls.until(4)
    expect(slow.calls.values).toEqual(['normal-1', 'critical-4', 'high-3', 'normal-2'])
  })

  test.each([
    [undefined, 3],
    [0, 1],
    [0.5, 2],
    [1, 4],
  ])('of four handlers, a share of %s lets %i work for low and background', async (share, most) => {
    const { worker, send } = await laneWorld()
    const slow = new Slow()
    await send('background', 20)
    const one = worker({
      handler: slow.calls.handler,
      concurrency: 4,
      prefetch: 4,
      ...(share === undefined ? {} : { lowLanesShareMax: share }),
    })
    await one.start()
    await slow.calls.until(most)
    await expect.poll(() => one.waiting).toBeGreaterThan(0)
    expect(one.running).toBe(most)
    slow.letOneGo()
    await slow.calls.until(most + 1)
    slow.letAllGo()
    await slow.calls.until(20)
    expect(slow.most['background']).toBe(most)
  })

  test('a critical message begins at once while slow background work goes on', async () => {
    const { worker, send } = await laneWorld()
    const slow = new Slow(({ priority }) => priority !== 'critical')
    await send('background', 40)
    const one = worker({ handler: slow.calls.handler, concurrency: 4, prefetch: 8 })
    await one.start()
    await slow.calls.until(3)
    for (let i = 0; i < 20; i += 1) {
      const before = slow.calls.values.length
      await send('critical')
      await slow.calls.until(before + 1)
      expect(slow.calls.values.at(-1)).toMatch(/^critical/)
    }
    expect(slow.running['background']).toBe(3)
    slow.letAllGo()
    await slow.calls.until(60)
  })

  test('background work alone is done without pauses between polls', async () => {
    const { worker, send } = await laneWorld()
    const calls = new Calls(() => new Promise((resolve) => setImmediate(resolve)))
    await send('background', 2000)
    const one = worker({ handler: calls.handler, concurrency: 10, untilEmpty: true })
    const begin = performance.now()
    await one.run()
    expect(calls.values).toHaveLength(2000)
    expect(performance.now() - begin).toBeLessThan(8000)
  })

  test('takes no share out of bounds', async () => {
    const { worker } = await laneWorld()
    for (const lowLanesShareMax of [-0.1, 1.1, Number.NaN]) {
      expect(() => worker({ handler: () => undefined, lowLanesShareMax })).toThrow(
        expect.objectContaining({ code: 'INVALID_CONFIG' }),
      )
    }
  })
})
