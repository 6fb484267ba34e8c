import { describe, expect, test } from 'vitest'
import { WaiterBudget, WaitQueue } from '../../../src/topics/waiters.ts'
import { FakeClock } from '../../support/fakeClock.ts'

function setup(max = 1000) {
  const clock = new FakeClock()
  const budget = new WaiterBudget(max)
  const queue = new WaitQueue(budget, clock)
  const ended: string[] = []
  const wait = (name: string, position: number, options: object = {}): Promise<void> =>
    queue.wait(position, { waitMs: 1000, ...options }).then(
      (reached) => void ended.push(`${name} ${reached ? 'reached' : 'in vain'}`),
      (error) => void ended.push(`${name} ${error.code}`),
    )
  return { clock, budget, queue, ended, wait }
}

const turn = (): Promise<void> => new Promise(setImmediate)

describe('WaitQueue', () => {
  test('an append wakes exactly those it reaches, first come first served', async () => {
    const { queue, ended, wait, clock, budget } = setup()
    for (const [name, position] of [
      ['a', 5],
      ['far', 9],
      ['b', 5],
      ['c', 4],
      ['d', 5],
    ] as const) {
      void wait(name, position)
    }
    queue.wake(4)
    await turn()
    expect(ended).toEqual([])
    queue.wake(6)
    await turn()
    expect(ended).toEqual(['c reached', 'a reached', 'b reached', 'd reached'])
    expect([queue.size, budget.count, clock.pendingTimers]).toEqual([1, 1, 1])
    queue.wake(10)
    await turn()
    expect(ended.at(-1)).toBe('far reached')
    expect([queue.size, budget.count, clock.pendingTimers]).toEqual([0, 0, 0])
  })

  test('500 that wait set off no timer until their time is up', async () => {
    const { queue, clock, ended, wait, budget } = setup()
    const all = Array.from({ length: 500 }, (_, i) => wait(`${i}`, 0, { waitMs: 30_000 }))
    clock.advance(29_999)
    expect([clock.firedTimers, queue.size]).toEqual([0, 500])
    clock.advance(1)
    await Promise.all(all)
    expect(ended).toEqual(Array.from({ length: 500 }, (_, i) => `${i} in vain`))
    expect([queue.size, budget.count, clock.pendingTimers]).toEqual([0, 0, 0])
  })

  test('a caller that goes away leaves nothing behind', async () => {
    const { queue, clock, budget, ended, wait } = setup()
    const controller = new AbortController()
    const { signal } = controller
    const gone = wait('gone', 0, { signal })
    const stays = wait('stays', 0)
    controller.abort()
    await gone
    expect(ended).toEqual(['gone CANCELLED'])
    expect([queue.size, budget.count, clock.pendingTimers]).toEqual([1, 1, 1])
    queue.wake(1)
    await stays
    expect(ended).toEqual(['gone CANCELLED', 'stays reached'])
    await wait('late', 5, { signal })
    expect(ended.at(-1)).toBe('late CANCELLED')
  })

  test('a wait that ended lets go of its signal', async () => {
    const { queue, wait, clock } = setup()
    const { signal } = new AbortController()
    let listeners = 0
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners += 1
      add(...args)
    }
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners -= 1
      remove(...args)
    }
    const waits = [wait('woken', 0, { signal }), wait('late', 5, { signal })]
    expect(listeners).toBe(2)
    queue.wake(1)
    clock.advance(1000)
    await Promise.all(waits)
    expect(listeners).toBe(0)
  })

  test('the limit counts the waiters of all queues of a broker', async () => {
    const { queue, wait, budget, clock, ended } = setup(2)
    const other = new WaitQueue(budget, clock)
    void wait('a', 0)
    void other.wait(0, { waitMs: 1000 })
    await expect(queue.wait(0, { waitMs: 1 })).rejects.toMatchObject({
      code: 'TOO_MANY_WAITERS',
      retryAfterMs: expect.any(Number),
    })
    other.wake(1)
    await wait('b', 0, { waitMs: 0 })
    void wait('c', 0)
    queue.wake(1)
    await turn()
    expect(ended).toEqual(['b in vain', 'a reached', 'c reached'])
  })

  test('release answers all and keeps nobody waiting any more', async () => {
    const { queue, wait, ended, clock } = setup()
    const waits = [wait('a', 0), wait('b', 7)]
    queue.release()
    await Promise.all([...waits, wait('c', 0)])
    expect(ended.toSorted()).toEqual(['a in vain', 'b in vain', 'c in vain'])
    expect(clock.pendingTimers).toBe(0)
  })
})
