/**
 * Delayed messages against a list of plain objects: whatever is scheduled, cancelled, put off, waited for, restarted and
 * whatever the clock does in between, both say the same of every message, and list the same in the same order.
 */
import { describe, expect, test } from 'vitest'
import { BrokerError } from '../../../src/kernel/errors.ts'
import { silentLogger } from '../../../src/kernel/platform.ts'
import { memoryEngine } from '../../../src/log/index.ts'
import { FakeClock } from '../../support/fakeClock.ts'
import { baseSeed, SeededRandom } from '../../support/random.ts'
import { House } from '../../unit/delay/house.ts'

/** GOQUEUE_RUNS=300 for more. */
const RUNS = Number(process.env['GOQUEUE_RUNS'] ?? 15)
const STEPS = 60
const PARTITIONS = 2

interface Modelled {
  readonly value: string
  readonly partition: number
  readonly offset: number
  dueMs: number
  state: 'pending' | 'delivered' | 'cancelled'
}

/** As simple as can be. */
class Model {
  readonly all: Modelled[] = []

  due(nowMs: number): void {
    for (const each of this.all) {
      if (each.state === 'pending' && each.dueMs <= nowMs) each.state = 'delivered'
    }
  }

  waiting(): Modelled[] {
    return this.all
      .filter(({ state }) => state === 'pending')
      .sort((a, b) => a.dueMs - b.dueMs || a.partition - b.partition || a.offset - b.offset)
  }
}

class Run {
  readonly #random: SeededRandom
  readonly #model = new Model()
  readonly #clock = new FakeClock()
  #house: House
  #sent = 0

  private constructor(house: House, random: SeededRandom, clock: FakeClock) {
    this.#house = house
    this.#random = random
    this.#clock = clock
  }

  static async begin(seed: number): Promise<Run> {
    const random = new SeededRandom(seed)
    const clock = new FakeClock()
    const engine = memoryEngine({ clock, random: () => 0, logger: silentLogger })
    const settings = {
      horizonMs: random.pick([200, 600_000]),
      checkpointChanges: random.pick([3, 100_000]),
      segmentBytes: random.pick([1024, 65_536]),
    }
    const house = await House.open({ engine, clock, settings, partitions: PARTITIONS })
    return new Run(house, random, clock)
  }

  async steps(): Promise<void> {
    for (let step = 0; step < STEPS; step += 1) {
      await this.#step()
      await this.#house.settle()
      this.#model.due(this.#clock.nowMs())
      await this.#compare()
    }
    await this.#house.stop()
  }

  async #step(): Promise<void> {
    const random = this.#random
    const what = random.int(10)
    if (what < 3) return await this.#schedule()
    if (what < 4) return await this.#change('cancel')
    if (what < 6) return await this.#change('reschedule')
    if (what < 7) return await this.#stepClock()
    if (what < 8 && random.chance(0.4)) {
      await this.#house.stop()
      this.#clock.advance(random.int(300))
      this.#house = await this.#house.again()
      return
    }
    // Beyond a second, so that what a step of the clock made due is seen.
    this.#clock.advance(random.pick([1, 5, 10, 100, 1100, 2500]))
  }

  async #schedule(): Promise<void> {
    const random = this.#random
    const nowMs = this.#clock.nowMs()
    const messages = Array.from({ length: random.between(1, 6) }, () => {
      this.#sent += 1
      const delayMs = 1 + random.int(random.pick([5, 300, 5000, 900_000]))
      const partition = random.int(PARTITIONS)
      return { value: `v${this.#sent}`, partition, dueMs: nowMs + delayMs }
    })
    const { runs, runOfMessage } = await this.#house.publish(...messages)
    const next = runs.map(({ baseOffset }) => baseOffset)
    for (const [i, message] of messages.entries()) {
      const run = runOfMessage?.[i] ?? 0
      const offset = next[run] ?? 0
      next[run] = offset + 1
      this.#model.all.push({ ...message, offset, state: 'pending' })
    }
  }

  async #change(what: 'cancel' | 'reschedule'): Promise<void> {
    const { all } = this.#model
    if (all.length === 0) return
    const random = this.#random
    const each = random.pick(random.chance(0.8) ? all.slice(-8) : all)
    const { partition, offset } = each
    const dueMs = this.#clock.nowMs() + random.int(3000) - 50
    const { delay } = this.#house
    const said =
      what === 'cancel'
        ? delay.cancel('t', { partition, offset })
        : delay.reschedule('t', { partition, offset }, dueMs)
    const error = await said.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    const mayBe = each.state === 'pending' || (what === 'cancel' && each.state === 'cancelled')
    if (!mayBe) {
      const code = error instanceof BrokerError ? error.code : error
      expect(['ALREADY_DELIVERED', 'DELAYED_NOT_FOUND']).toContain(code)
      return
    }
    expect(error).toBeUndefined()
    if (what === 'cancel') each.state = 'cancelled'
    else each.dueMs = dueMs
    // What is due at once comes in a turn of its own.
    this.#clock.advance(1)
  }

  /** The clock is set; it is a while until that is noticed. */
  async #stepClock(): Promise<void> {
    const random = this.#random
    this.#clock.stepWallTo(this.#clock.nowMs() + random.int(random.pick([400, 50_000])) - 150)
    this.#clock.advance(1100)
  }

  async #compare(): Promise<void> {
    const waiting = this.#model.waiting()
    const { messages } = await this.#house.delay.list('t', { limit: 1000 })
    const places = messages.map(({ partition, offset, dueMs }) => ({ partition, offset, dueMs }))
    expect(places).toEqual(
      waiting.map(({ partition, offset, dueMs }) => ({ partition, offset, dueMs })),
    )
    const came = (state: string) => this.#model.all.filter((each) => each.state === state)
    const values = [...(await this.#house.values(0)), ...(await this.#house.values(1))]
    expect(values.toSorted()).toEqual(
      came('delivered')
        .map(({ value }) => value)
        .toSorted(),
    )
    const { pending, delivered, cancelled } = this.#house.delay.stats()
    expect([pending, delivered, cancelled]).toEqual([
      waiting.length,
      came('delivered').length,
      came('cancelled').length,
    ])
  }
}

describe('delayed messages', () => {
  test('are what a plain list says, through restarts and steps of the clock', async () => {
    for (let i = 0; i < RUNS; i += 1) {
      const seed = baseSeed() + i
      const run = await Run.begin(seed)
      try {
        await run.steps()
      } catch (error) {
        throw new Error(`GOQUEUE_SEED=${seed}: ${error instanceof Error ? error.message : error}`, {
          cause: error,
        })
      }
    }
  })
})
