import { describe, expect, test, vi } from 'vitest'
import {
  Connection,
  DeadLetters,
  Reject,
  RetryLater,
  type WorkContext,
  Worker,
} from '../../../../src/client/index.ts'
import { Calls, upTo, workWorld } from './setup.ts'

describe('worker', () => {
  test('acknowledges what its handler returns from, in batches, and confirms each', async () => {
    const { worker, publish, outcomes, settled } = await workWorld()
    await publish(3000)
    const calls = new Calls()
    const one = worker({ handler: calls.handler, concurrency: 100, untilEmpty: true })
    await one.run()
    expect(calls.sorted).toEqual(upTo(3000))
    expect(one.stats).toEqual({ acked: 3000, nacked: 0, rejected: 0, dead: 0, lost: 0, late: 0 })
    expect(new Set(outcomes.map(({ partition, offset }) => `${partition}:${offset}`)).size).toBe(
      3000,
    )
    expect(await settled()).toBe(3000)
  })

  test('runs no more handlers at once than it may, and holds no more than that and its prefetch', async () => {
    const { worker, publish, connection } = await workWorld()
    await publish(40)
    let [running, most] = [0, 0]
    const open: (() => void)[] = []
    const calls = new Calls(async () => {
      running += 1
      most = Math.max(most, running)
      await new Promise<void>((resolve) => void open.push(resolve))
      running -= 1
    })
    const one = worker({ handler: calls.handler, concurrency: 4, prefetch: 3 })
    await one.start()
    await calls.until(4)
    const stats = await connection.askJson({ method: 'GET', path: '/reliability/stats' })
    expect(stats).toMatchObject({ ack_manager: { in_flight: 7 } })
    for (let done = 0; done < 40; done += 1) {
      await calls.until(done + 1)
      open.shift()?.()
    }
    await one.close()
    expect(most).toBe(4)
    expect(one.stats.acked).toBe(40)
  })

  test('what a handler throws decides: again by the policy, later, or never', async () => {
    const { worker, publish, connection, outcomes } = await workWorld({
      policy: { max_retries: 1 },
    })
    await publish(4)
    const seen: string[] = []
    const calls = new Calls(async (message) => {
      seen.push(`${message.text()}#${message.deliveryCount}`)
      if (message.text() === '0' && message.deliveryCount === 1) throw new TypeError('no')
      if (message.text() === '1' && message.deliveryCount === 1) throw new RetryLater(1)
      if (message.text() === '2') throw new Reject('never')
      if (message.text() === '3') throw new Error('always')
    })
    const one = worker({ handler: calls.handler })
    await one.start()
    await calls.until(7)
    await one.close()
    expect(seen.toSorted()).toEqual(['0#1', '0#2', '1#1', '1#2', '2#1', '3#1', '3#2'])
    expect(one.stats).toMatchObject({ acked: 2, nacked: 3, rejected: 1, dead: 1 })
    expect(outcomes).toHaveLength(7)
    // A letter is written a moment after the last try was told.
    const letters = await vi.waitFor(async () => {
      const { messages } = await new DeadLetters(connection).page('t')
      expect(messages).toHaveLength(2)
      return messages.toSorted((x, y) => Number(x.value) - Number(y.value))
    })
    expect(letters).toMatchObject([
      { value: '2', reason: 'rejected', error: 'never', delivery_count: 1 },
      { value: '3', reason: 'max_retries', error: 'Error: always', delivery_count: 2 },
    ])
  })

  test('a lease is renewed as long as its handler works, and what waits for a place too', async () => {
    const { worker, publish, warnings } = await workWorld({ partitions: 1 })
    await publish(3)
    const calls = new Calls(async () => {
      await new Promise((resolve) => setTimeout(resolve, 400))
    })
    const one = worker({ handler: calls.handler, concurrency: 1, prefetch: 2, leaseMs: 150 })
    await one.start()
    await calls.until(3)
    await one.close()
    expect(calls.values).toEqual(['0', '1', '2'])
    expect([one.stats.acked, warnings]).toEqual([3, []])
  })

  test('a handler that runs too long loses its lease, its signal and its say', async () => {
    const { worker, publish, warnings } = await workWorld()
    await publish(1)
    const signals: WorkContext['signal'][] = []
    const hung: (() => void)[] = []
    const calls = new Calls(async ({ deliveryCount }, { signal }) => {
      signals.push(signal)
      if (deliveryCount === 1) await new Promise<void>((resolve) => void hung.push(resolve))
    })
    const one = worker({ handler: calls.handler, concurrency: 1, maxRuntimeMs: 50 })
    await one.start()
    await calls.until(2)
    expect(signals[0]?.aborted).toBe(true)
    for (const release of hung) release()
    await one.close()
    expect(one.stats).toMatchObject({ acked: 1, nacked: 1, late: 1 })
    expect(warnings).toMatchObject([{ code: 'HANDLER_TOO_LONG' }])
  })

  test('closing waits for handlers, and gives back the rest uncounted', async () => {
    const { worker, publish, settled } = await workWorld({ partitions: 1 })
    await publish(10)
    const open: (() => void)[] = []
    const stuck = new Calls(async (message, { signal }) => {
      if (message.text() === '0') await new Promise<void>((resolve) => void open.push(resolve))
      else await new Promise((_, reject) => signal.addEventListener('abort', reject))
    })
    const one = worker({ handler: stuck.handler, concurrency: 2, prefetch: 5 })
    await one.start()
    await stuck.until(2)
    const closed = one.close({ timeoutMs: 200 })
    open[0]?.()
    await closed
    expect(one.stats).toMatchObject({ acked: 1, nacked: 0 })
    expect(await settled()).toBe(1)
    const counts: number[] = []
    const rest = new Calls(({ deliveryCount }) => void counts.push(deliveryCount))
    await worker({ handler: rest.handler, untilEmpty: true }).run()
    expect(rest.sorted).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    // Only what a handler has seen counts as handed out.
    expect(counts.toSorted()).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 2])
  })

  test('an evicted member joins anew and goes on', async () => {
    const { worker, publish, connection, warnings } = await workWorld()
    await publish(5)
    const calls = new Calls()
    const one = worker({ handler: calls.handler, heartbeatMs: 30 })
    await one.start()
    await calls.until(5)
    const json = { member_id: one.memberId }
    await connection.askJson({ method: 'POST', path: '/groups/g/leave', json })
    await publish(5)
    await calls.until(10)
    await one.close()
    expect(one.stats.acked).toBe(10)
    expect(warnings).toMatchObject([{ code: 'MEMBERSHIP_LOST' }])
  })

  test('ends with an error where there is no way on', async () => {
    const { worker, connection } = await workWorld()
    const json = { client_id: 'c', topics: ['t'], mode: 'offset' }
    await connection.askJson({ method: 'POST', path: '/groups/g/join', json })
    const one = worker({ handler: () => undefined })
    await expect(one.run()).rejects.toMatchObject({ code: 'GROUP_MODE_CONFLICT' })
    await expect(one.start()).rejects.toMatchObject({ code: 'GROUP_MODE_CONFLICT' })
  })

  test('aborting its signal closes it, also while no broker answers', async () => {
    const stop = new AbortController()
    const codes: string[] = []
    const nowhere = new Connection({ url: 'http://127.0.0.1:1' })
    const one = new Worker(nowhere, {
      ...{ group: 'g', topics: ['t'], handler: () => undefined, signal: stop.signal },
      onWarning: ({ code }) => {
        codes.push(code)
        stop.abort()
      },
    })
    await one.run()
    await nowhere.close()
    expect(codes).toEqual(['POLL_FAILED'])
  })

  test('options out of bounds are named', async () => {
    const { worker } = await workWorld()
    const wrong = { handler: () => undefined, concurrency: 0, leaseMs: 1 }
    expect(() => worker(wrong)).toThrow(
      expect.objectContaining({
        code: 'INVALID_CONFIG',
        fields: {
          concurrency: 'must be 1 to 10000, is 0',
          leaseMs: 'must be 100 to 43200000, is 1',
        },
      }),
    )
  })
})
