/**
 * Members that come, go, fall silent and find the broker crashed, under a clock that the test moves: against a model
 * that knows nothing but deadlines. GOQUEUE_SEED runs another course; a failure prints fast-check's seed and path.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, test } from 'vitest'
import { BrokerError } from '../../../src/kernel/errors.ts'
import { baseSeed } from '../../support/random.ts'
import { GroupsHouse } from '../../unit/groups/service.ts'

const PARTITIONS = 7
const MEMBERS = ['a', 'b', 'c', 'd', 'e'] as const
const memberId = fc.constantFrom(...MEMBERS)

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('join'),
      memberId,
      sessionTimeoutMs: fc.integer({ min: 1_000, max: 6_000 }),
    }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('heartbeat'), memberId }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('leave'), memberId }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('advance'), ms: fc.integer({ min: 1, max: 2_500 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stopAndStart') }) },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

interface ModelMember {
  timeoutMs: number
  deadlineMs: number
  /** What the broker told it last. */
  generation: number
  partitions: readonly number[]
}

class Course {
  #house: GroupsHouse
  #crashed = false
  readonly #members = new Map<string, ModelMember>()

  constructor(house: GroupsHouse) {
    this.#house = house
  }

  async run(step: Step): Promise<void> {
    const { clock } = this.#house
    switch (step.do) {
      case 'join': {
        const { memberId, sessionTimeoutMs } = step
        const joined = await this.#house.groups.join({
          group: 'g',
          clientId: 'c',
          memberId,
          topics: ['t'],
          sessionTimeoutMs,
        })
        this.#members.set(memberId, {
          timeoutMs: sessionTimeoutMs,
          deadlineMs: clock.monotonicMs() + sessionTimeoutMs,
          generation: joined.generation,
          partitions: [...(joined.partitions.get('t') ?? [])],
        })
        break
      }
      case 'heartbeat':
        this.#heartbeat(step.memberId)
        break
      case 'leave':
        if (this.#members.delete(step.memberId)) await this.#house.groups.leave('g', step.memberId)
        break
      case 'advance':
        clock.advance(step.ms)
        // Nobody waits for an eviction: a crash in the same turn would undo it.
        for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate)
        for (const [id, { deadlineMs }] of this.#members) {
          if (deadlineMs <= clock.monotonicMs()) this.#members.delete(id)
        }
        break
      case 'crash':
        this.#crashed = true
        this.#house = await this.#house.restartAfterCrash()
        this.#everybodyHasOneMoreSession()
        break
      case 'stopAndStart': {
        await this.#house.stop()
        const { engine } = this.#house
        this.#house = await GroupsHouse.open({ engine, clock })
        this.#everybodyHasOneMoreSession()
        break
      }
    }
    this.#check()
  }

  #everybodyHasOneMoreSession(): void {
    const nowMs = this.#house.clock.monotonicMs()
    for (const member of this.#members.values()) member.deadlineMs = nowMs + member.timeoutMs
  }

  #heartbeat(memberId: string): void {
    const member = this.#members.get(memberId)
    try {
      const reply = this.#house.groups.heartbeat('g', memberId, member?.generation ?? 1)
      assert.ok(member, `${memberId} is no member and was taken for one`)
      assert.equal(reply.generation, member.generation)
      assert.deepEqual([...(reply.partitions.get('t') ?? [])], member.partitions)
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      const expected = member ? ['STALE_GENERATION'] : ['GROUP_NOT_FOUND', 'UNKNOWN_MEMBER']
      assert.ok(expected.includes(error.code), error.message)
      if (member) assert.ok(member.generation < this.#house.groups.get('g').generation)
    }
    if (member) member.deadlineMs = this.#house.clock.monotonicMs() + member.timeoutMs
  }

  #check(): void {
    const { groups } = this.#house
    if (groups.count === 0) {
      assert.equal(this.#members.size, 0)
      return
    }
    const view = groups.describe('g')
    const present = view.members.map(({ memberId }) => memberId).sort()
    assert.deepEqual(present, [...this.#members.keys()].sort())
    const byGeneration = new Map<number, number[]>()
    for (const { generation, partitions } of this.#members.values()) {
      byGeneration.set(generation, [...(byGeneration.get(generation) ?? []), ...partitions])
    }
    // Whatever generation members believe in: within it nobody shares a partition.
    for (const held of byGeneration.values()) assert.equal(new Set(held).size, held.length)
    if (view.state !== 'stable') return
    const owned = byGeneration.get(view.generation) ?? []
    assert.equal(owned.length, PARTITIONS)
  }

  async end(): Promise<void> {
    await this.#house.stop()
    // The timers of a process that died are still on the clock, which did not.
    if (!this.#crashed) assert.equal(this.#house.clock.pendingTimers, 0)
  }
}

const [RUNS, TIME_MS] = process.env['CI'] === 'true' ? [100, 3_000] : [40, 2_000]

const TEST_MS = 20_000

describe('liveness', () => {
  test(
    'is what deadlines say, through crashes and restarts',
    async () => {
      const steps = fc.array(step, { minLength: 1, maxLength: 60, size: 'max' })
      await fc.assert(
        fc.asyncProperty(steps, async (course) => {
          const house = await GroupsHouse.open()
          await house.topic('t', PARTITIONS)
          const run = new Course(house)
          for (const each of course) await run.run(each)
          await run.end()
        }),
        { seed: baseSeed(), numRuns: RUNS, interruptAfterTimeLimit: TIME_MS },
      )
    },
    TEST_MS,
  )

  test(
    'of the service: start and stop in any order, twice and at once',
    async () => {
      const calls = fc.array(fc.constantFrom('start', 'stop', 'turn'), { maxLength: 8 })
      await fc.assert(
        fc.asyncProperty(calls, async (course) => {
          const house = await GroupsHouse.open()
          await house.topic('t', PARTITIONS)
          await house.join('a', ['t'])
          await house.stop()
          const { engine, clock } = house
          const next = GroupsHouse.closed({ engine, clock })
          await next.topics.start()
          const done: Promise<unknown>[] = []
          for (const call of course) {
            if (call === 'turn') await new Promise(setImmediate)
            else done.push(next.groups[call]().catch(() => undefined))
          }
          await Promise.all(done)
          await next.groups.stop()
          await next.topics.stop()
          assert.equal(clock.pendingTimers, 0)
        }),
        { seed: baseSeed(), numRuns: RUNS, interruptAfterTimeLimit: TIME_MS },
      )
    },
    TEST_MS,
  )
})
