/**
 * Deliveries as workers see them, over lives that end at any moment: what was acked is never seen again, every other
 * record is in the end worked on or a dead letter, exactly once, and no record has two holders at a time.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import { NORMAL_PRIORITY, type Priority } from '../../../src/kernel/priority.ts'
import type { FakeClock } from '../../support/fakeClock.ts'
import { baseSeed, SeededRandom } from '../../support/random.ts'
import type { StubEngine } from '../../support/stubEngine.ts'
import { type Handed, House, house, soon } from '../../unit/delivery/house.ts'

const MEMBERS = ['a', 'b', 'c']
const RECORDS = 60
const BURSTS = 12
const COURSES = 25
const key = ({ partition, offset }: Pick<Handed, 'partition' | 'offset'>): string =>
  `${partition}/${offset}`

class Workers {
  readonly random: SeededRandom
  readonly clock: FakeClock
  home: House<StubEngine>
  /** The broker has said so. */
  readonly acked = new Set<string>()
  /** Said, and the broker died before it answered: either may be. */
  readonly unsure = new Set<string>()
  /** Records that workers hold now, and until when. */
  readonly held = new Map<string, { readonly handed: Handed; readonly untilMs: number }>()
  #lives = 1

  constructor(random: SeededRandom, home: House<StubEngine>) {
    this.random = random
    this.home = home
    this.clock = home.clock
  }

  async step(): Promise<void> {
    const dice = this.random.int(100)
    if (dice < 40) await this.poll()
    else if (dice < 60) await this.say('ack')
    else if (dice < 70) await this.say('nack')
    else if (dice < 73) await this.say('reject')
    else if (dice < 90) this.clock.advance(this.random.int(3_000))
    else if (dice < 92) this.clock.advance(60_000)
    else if (dice < 95) await this.crash()
    else await this.leave()
  }

  async poll(): Promise<void> {
    const memberId = this.random.pick(MEMBERS)
    const more = { memberId, maxMessages: this.random.between(1, 8) }
    for (const handed of await this.#polled(more)) {
      const at = key(handed)
      assert.ok(!this.acked.has(at), `${at} was acked and comes back`)
      const holder = this.held.get(at)
      assert.ok(!holder || holder.untilMs <= this.clock.monotonicMs(), `${at} has two holders`)
      this.held.set(at, { handed, untilMs: this.clock.monotonicMs() + 30_000 })
    }
  }

  async #polled(more: { memberId: string; maxMessages: number }): Promise<Handed[]> {
    try {
      return await this.home.poll(more)
    } catch {
      await this.home.join(more.memberId, { assignment: 'shared' })
      return []
    }
  }

  async say(kind: 'ack' | 'nack' | 'reject'): Promise<void> {
    const live = [...this.held.values()].filter(() => this.random.chance(0.4)).slice(0, 8)
    const handed = live.map((each) => each.handed)
    const saying = this.home.say(kind, handed, kind === 'nack' ? this.random.int(2_000) : undefined)
    if (this.random.chance(0.1)) {
      if (kind === 'ack') for (const each of handed) this.unsure.add(key(each))
      for (const each of handed) this.held.delete(key(each))
      saying.catch(() => undefined)
      await this.crash()
      return
    }
    const outcomes = await saying
    for (const [i, each] of handed.entries()) {
      if (kind === 'ack' && outcomes[i] === 'done') this.acked.add(key(each))
      this.held.delete(key(each))
    }
  }

  async crash(): Promise<void> {
    this.#lives += 1
    const engine = this.home.engine.crash()
    this.home = await new House({ engine, clock: this.clock, seed: this.#lives }).start()
  }

  async leave(): Promise<void> {
    const memberId = this.random.pick(MEMBERS)
    if (!this.home.groups.get('g').members.has(memberId)) return
    await this.home.delivery.release('g', memberId)
    await this.home.groups.leave('g', memberId)
    // Whoever it is that holds them, it may be somebody else from now on.
    this.held.clear()
    await this.home.join(memberId, { assignment: 'shared' })
  }

  /** From now on everybody just works. */
  async finish(): Promise<void> {
    this.held.clear()
    for (let round = 0; this.home.lag > 0; round += 1) {
      assert.ok(round < 500, 'some record never came back')
      this.clock.advance(5_000)
      const handed = await this.#polled({ memberId: 'a', maxMessages: 100 })
      for (const each of handed) assert.ok(!this.acked.has(key(each)))
      const outcomes = await this.home.say('ack', handed)
      for (const [i, each] of handed.entries()) {
        if (outcomes[i] === 'done') this.acked.add(key(each))
      }
      await soon(() => this.home.delivery.figures().dying === 0)
    }
  }

  async check(): Promise<void> {
    const dead = await this.#deadLetters()
    for (const partition of [0, 1]) {
      for (let offset = 0; offset < RECORDS; offset += 1) {
        const at = key({ partition, offset })
        const letters = dead.get(at) ?? 0
        const ends = (this.acked.has(at) ? 1 : 0) + letters
        assert.ok(letters <= 1, `${at} is a dead letter twice`)
        if (!this.unsure.has(at)) assert.equal(ends, 1, `${at} ended ${ends} times`)
      }
    }
  }

  async #deadLetters(): Promise<Map<string, number>> {
    const dead = new Map<string, number>()
    for (const { index } of this.home.topics.find('t.dlq')?.partitions ?? []) {
      for (const { extension } of await this.home.stored('t.dlq', index)) {
        const { record } = JSON.parse(extension?.headers?.['goqueue-dead-letter'] ?? '')
        dead.set(key(record), (dead.get(key(record)) ?? 0) + 1)
      }
    }
    return dead
  }
}

async function run(nth: number): Promise<void> {
  const random = new SeededRandom(baseSeed() * 1_000 + nth)
  const home = await house(2, nth)
  for (const memberId of MEMBERS) await home.join(memberId, { assignment: 'shared' })
  const workers = new Workers(random, home)
  for (let i = 0; i < BURSTS; i += 1) {
    for (const partition of [0, 1]) {
      // Every third course knows one lane only.
      const records = Array.from({ length: RECORDS / BURSTS }, () => ({
        value: 'x',
        priority: (nth % 3 === 0 ? NORMAL_PRIORITY : random.int(5)) as Priority,
      }))
      await workers.home.publishRecords('t', partition, records)
    }
    for (let step = 0; step < 10; step += 1) await workers.step()
  }
  await workers.finish()
  await workers.check()
}

describe('deliveries', () => {
  test('end each record once, whatever dies when', { timeout: 30_000 }, async () => {
    for (let nth = 0; nth < COURSES; nth += 1) {
      await run(nth).catch((cause: unknown) => {
        throw new Error(`GOQUEUE_SEED=${baseSeed()}: course ${nth}`, { cause })
      })
    }
  })
})
