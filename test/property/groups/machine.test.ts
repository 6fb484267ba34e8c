/**
 * The coordinator against a simple twin: maps of what everybody said last, and after each command the rules.
 * A failure prints fast-check's seed and path; GOQUEUE_SEED runs another course.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GroupsMachine, type GroupsSnapshot } from '../../../src/groups/machine.ts'
import { BrokerError } from '../../../src/kernel/errors.ts'
import { baseSeed } from '../../support/random.ts'
import { MachineDriver } from '../../unit/groups/support.ts'

const TOPICS = ['t', 'u', 'v'] as const
const MEMBERS = ['a', 'b', 'c', 'd'] as const
const memberId = fc.constantFrom(...MEMBERS)
const topic = fc.constantFrom(...TOPICS)

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('join'), memberId, topics: fc.subarray([...TOPICS]) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('leave'), memberId }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('evict'), memberIds: fc.subarray([...MEMBERS]) }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('commit'),
      memberId,
      topic,
      partition: fc.nat(4),
      offset: fc.nat(100),
      generationsBehind: fc.option(fc.nat(2), { freq: 1 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('reset'),
      topic,
      partition: fc.nat(3),
      offset: fc.nat(100),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('createTopic'),
      topic,
      partitions: fc.integer({ min: 1, max: 5 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('deleteTopic'), topic }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('expire') }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('setAssignment'), memberId, shared: fc.boolean() }),
  },
)
/** Long courses: what goes wrong needs a past. */
const steps = fc.array(step, { minLength: 1, maxLength: 60, size: 'max' })
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

/** The twin: what everybody said last. */
class Model {
  exists = false
  shared = false
  generation = 0
  readonly members = new Map<string, readonly string[]>()
  readonly floors = new Map<string, number>()
  /** What the assignment depends on, as text: a generation ends when it changes. */
  inputs(driver: MachineDriver): string {
    const subscribed = [...new Set([...this.members.values()].flat())].sort()
    const topics = subscribed.map((name) => [name, driver.fact(name).id])
    return JSON.stringify([[...this.members].sort(), topics, this.shared])
  }
}

class Course {
  readonly driver = new MachineDriver()
  readonly model = new Model()
  readonly #snapshotAfter: number
  #steps = 0
  #kept: { readonly at: number; readonly snapshot: GroupsSnapshot } | undefined

  /** Keeps a snapshot of the state after that many steps. */
  constructor(snapshotAfter = -1) {
    this.#snapshotAfter = snapshotAfter
    this.driver.createTopic('t', 5)
    this.driver.createTopic('u', 3)
  }

  run(step: Step): void {
    const { driver, model } = this
    const inputsBefore = model.inputs(driver)
    const floorsBefore = new Map(model.floors)
    driver.nowMs += 10
    const refused = this.#attempt(step)
    if (refused === undefined) this.#follow(step)
    if (model.inputs(driver) !== inputsBefore) model.generation += 1
    if (!model.exists) model.generation = 0
    this.#check(step, refused, floorsBefore)
    this.#steps += 1
    if (this.#steps === this.#snapshotAfter) {
      const snapshot = structuredClone(driver.machine.snapshot())
      this.#kept = { at: driver.journal.length, snapshot }
    }
  }

  /** The code it was refused with, or undefined. */
  #attempt(step: Step): string | undefined {
    try {
      this.#do(step)
      return undefined
    } catch (error) {
      if (error instanceof BrokerError) return error.code
      throw error
    }
  }

  #do(step: Step): void {
    const { driver, model } = this
    switch (step.do) {
      case 'join':
        driver.join(step.memberId, step.topics)
        return
      case 'leave':
        driver.leave(step.memberId)
        return
      case 'evict':
        driver.submit({ kind: 'evict', group: 'g', memberIds: step.memberIds })
        return
      case 'commit': {
        const { generationsBehind: behind, memberId, topic, partition, offset } = step
        const generation = behind === null ? undefined : model.generation - behind
        driver.commit(memberId, { topic, partition, offset }, generation)
        return
      }
      case 'reset':
        driver.reset(step.topic, [step])
        return
      case 'createTopic':
        if (driver.fact(step.topic).id === 0) driver.createTopic(step.topic, step.partitions)
        return
      case 'deleteTopic':
        driver.deleteTopic(step.topic)
        return
      case 'delete':
        driver.submit({ kind: 'delete', group: 'g' })
        return
      case 'expire':
        driver.submit({ kind: 'expire', groups: ['g'], retentionMs: 50 })
        return
      case 'setAssignment': {
        const topics = model.members.get(step.memberId) ?? ['t']
        driver.join(step.memberId, topics, { assignment: step.shared ? 'shared' : 'range' })
        return
      }
    }
  }

  #follow(step: Step): void {
    const { driver, model } = this
    switch (step.do) {
      case 'join':
        model.exists = true
        model.members.set(step.memberId, [...step.topics].sort())
        return
      case 'setAssignment':
        model.exists = true
        model.shared = step.shared
        if (!model.members.has(step.memberId)) model.members.set(step.memberId, ['t'])
        return
      case 'leave':
        model.members.delete(step.memberId)
        return
      case 'evict':
        for (const each of step.memberIds) model.members.delete(each)
        return
      case 'commit':
        this.#raise(`${step.topic}-${step.partition}`, step.offset)
        return
      case 'reset':
        model.floors.set(`${step.topic}-${step.partition}`, step.offset)
        return
      case 'deleteTopic':
        for (const key of [...model.floors.keys()]) {
          if (key.startsWith(step.topic)) model.floors.delete(key)
        }
        return
      case 'createTopic':
        return
      case 'delete':
      case 'expire':
        if (driver.machine.groups.size > 0) return
        model.exists = false
        model.shared = false
        model.floors.clear()
        return
    }
  }

  #raise(key: string, offset: number): void {
    this.model.floors.set(key, Math.max(this.model.floors.get(key) ?? 0, offset))
  }

  #check(step: Step, refused: string | undefined, floorsBefore: Map<string, number>): void {
    const { driver, model } = this
    assert.equal(driver.machine.groups.size, model.exists ? 1 : 0)
    if (!model.exists) return
    const group = driver.machine.group('g')
    assert.deepEqual([...group.members.keys()].sort(), [...model.members.keys()].sort())
    assert.equal(group.generation, model.generation)
    const floors = [...group.topics].flatMap(([name, { floors }]) =>
      [...floors].map(([partition, offset]) => [`${name}-${partition}`, offset] as const),
    )
    assert.deepEqual(new Map(floors), model.floors)
    this.#checkAssignment()
    if (step.do === 'commit' && step.generationsBehind) assert.ok(refused)
    if (step.do === 'reset' || step.do === 'deleteTopic') return
    for (const [key, floor] of floorsBefore) {
      assert.ok((model.floors.get(key) ?? -1) >= floor)
    }
  }

  #checkAssignment(): void {
    const { driver, model } = this
    const assigned = driver.assigned()
    for (const topic of TOPICS) {
      const subscribers = [...model.members].filter(([, topics]) => topics.includes(topic))
      const partitions = Array.from(
        { length: driver.fact(topic).partitions },
        (_, p) => `${topic}-${p}`,
      )
      const shares = subscribers.map(
        ([id]) => assigned[id]?.filter((name) => name.startsWith(topic)) ?? [],
      )
      const given = Object.values(assigned)
        .flat()
        .filter((name) => name.startsWith(topic))
      if (subscribers.length === 0) {
        assert.deepEqual(given, [])
      } else if (model.shared) {
        for (const share of shares) assert.deepEqual(share, partitions)
      } else {
        assert.deepEqual(given.sort(), partitions)
        const sizes = shares.map((share) => share.length)
        assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1)
      }
    }
  }

  /** The state again: from the kept snapshot, if any, and the events behind it. */
  replay(): GroupsSnapshot {
    const machine = new GroupsMachine()
    const from = this.#kept
    // Through JSON, as the journal has it.
    if (from !== undefined) machine.restore(JSON.parse(JSON.stringify(from.snapshot)))
    for (const event of this.driver.journal.slice(from?.at ?? 0)) {
      machine.apply(JSON.parse(JSON.stringify(event)))
    }
    return machine.snapshot()
  }
}

const [RUNS, TIME_MS] = process.env['CI'] === 'true' ? [300, 3_000] : [80, 2_000]

const TEST_MS = 20_000

describe('the coordinator', () => {
  test(
    'does as its simple twin does: owners, generations, floors',
    () => {
      fc.assert(
        fc.property(steps, (steps) => {
          const course = new Course()
          for (const each of steps) course.run(each)
        }),
        { seed: baseSeed(), numRuns: RUNS, interruptAfterTimeLimit: TIME_MS },
      )
    },
    TEST_MS,
  )

  test(
    'replays to the same state from every snapshot',
    () => {
      fc.assert(
        fc.property(steps, fc.nat(60), (steps, nth) => {
          for (const snapshotAfter of [-1, nth % (steps.length + 1)]) {
            const course = new Course(snapshotAfter)
            for (const each of steps) course.run(each)
            expect(course.replay()).toEqual(course.driver.machine.snapshot())
          }
        }),
        { seed: baseSeed(), numRuns: RUNS, interruptAfterTimeLimit: TIME_MS },
      )
    },
    TEST_MS,
  )
})
