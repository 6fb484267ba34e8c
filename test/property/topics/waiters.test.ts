import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { WaiterBudget, WaitQueue } from '../../../src/topics/waiters.ts'
import { FakeClock } from '../../support/fakeClock.ts'
import { baseSeed } from '../../support/random.ts'

type Step =
  | { readonly do: 'wait'; readonly position: number; readonly waitMs: number }
  | { readonly do: 'wake'; readonly next: number }
  | { readonly do: 'abort'; readonly which: number }
  | { readonly do: 'pass'; readonly ms: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('wait' as const),
    position: fc.nat(20),
    waitMs: fc.integer({ min: 1, max: 50 }),
  }),
  fc.record({ do: fc.constant('wake' as const), next: fc.nat(22) }),
  fc.record({ do: fc.constant('abort' as const), which: fc.nat(30) }),
  fc.record({ do: fc.constant('pass' as const), ms: fc.nat(20) }),
)

interface Twin {
  readonly position: number
  readonly dueMs: number
  outcome: boolean | string | undefined
}

/** The same by an array that is searched from end to end. */
class StupidQueue {
  nowMs = 0
  readonly waiters: Twin[] = []
  readonly order: number[] = []

  wait(position: number, waitMs: number): void {
    this.waiters.push({ position, dueMs: this.nowMs + waitMs, outcome: undefined })
  }

  wake(next: number): void {
    const reached = this.waiters.filter((w) => w.outcome === undefined && w.position < next)
    reached.sort((a, b) => a.position - b.position)
    for (const each of reached) this.end(each, true)
  }

  abort(which: number): void {
    const waiter = this.waiters[which]
    if (waiter && waiter.outcome === undefined) this.end(waiter, 'CANCELLED')
  }

  pass(ms: number): void {
    this.nowMs += ms
    const late = this.waiters.filter((w) => w.outcome === undefined && w.dueMs <= this.nowMs)
    late.sort((a, b) => a.dueMs - b.dueMs)
    for (const each of late) this.end(each, false)
  }

  end(waiter: Twin, outcome: boolean | string): void {
    waiter.outcome = outcome
    this.order.push(this.waiters.indexOf(waiter))
  }
}

/** The real queue, noting who was answered with what and when. */
class Watched {
  readonly clock = new FakeClock()
  readonly budget = new WaiterBudget(1000)
  readonly queue = new WaitQueue(this.budget, this.clock)
  readonly outcomes: (boolean | string | undefined)[] = []
  readonly order: number[] = []
  readonly controllers: AbortController[] = []

  wait(position: number, waitMs: number): void {
    const controller = new AbortController()
    const i = this.controllers.push(controller) - 1
    this.outcomes.push(undefined)
    const end = (outcome: boolean | string): void => {
      this.outcomes[i] = outcome
      this.order.push(i)
    }
    this.queue
      .wait(position, { waitMs, signal: controller.signal })
      .then(end, (error) => end(error.code))
  }

  wake(next: number): void {
    this.queue.wake(next)
  }

  abort(which: number): void {
    this.controllers[which]?.abort()
  }

  pass(ms: number): void {
    this.clock.advance(ms)
  }
}

function take(step: Step, queue: Watched | StupidQueue): void {
  if (step.do === 'wait') queue.wait(step.position, step.waitMs)
  else if (step.do === 'wake') queue.wake(step.next)
  else if (step.do === 'abort') queue.abort(step.which)
  else queue.pass(step.ms)
}

describe('WaitQueue', { timeout: 30_000 }, () => {
  test('wakes whom an array would wake, in the same order, and forgets nobody', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 10, maxLength: 60, size: 'max' }),
        async (steps) => {
          const watched = new Watched()
          const twin = new StupidQueue()
          for (const each of steps) {
            take(each, watched)
            take(each, twin)
            await new Promise(setImmediate)
            const { outcomes, queue, budget, clock } = watched
            expect(outcomes).toEqual(twin.waiters.map((waiter) => waiter.outcome))
            const waiting = outcomes.filter((outcome) => outcome === undefined).length
            const left = [queue.size, budget.count, clock.pendingTimers]
            expect(left).toEqual([waiting, waiting, waiting])
          }
          expect(watched.order).toEqual(twin.order)
        },
      ),
      { seed: baseSeed(), numRuns: 30 },
    )
  })
})
