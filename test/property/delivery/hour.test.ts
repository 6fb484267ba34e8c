/**
 * An hour of a work queue that gets more than it can do: five lanes, slow workers, failures. Time stands still but for the
 * test, so that the hour takes seconds. GOQUEUE_REPORT=1 prints what each lane got and how long it waited.
 */
import { describe, expect, test } from 'vitest'
import { silentLogger } from '../../../src/kernel/platform.ts'
import { PRIORITIES, type Priority } from '../../../src/kernel/priority.ts'
import { memoryEngine } from '../../../src/log/index.ts'
import { FakeClock } from '../../support/fakeClock.ts'
import { baseSeed, SeededRandom } from '../../support/random.ts'
import { type Handed, House } from '../../unit/delivery/house.ts'

/** A quarter of the hour is enough for the shares; GOQUEUE_HOUR=1 takes all of it. */
const HOUR_MS = process.env['GOQUEUE_HOUR'] ? 3_600_000 : 900_000
const STEP_MS = 500
const WORKERS = 8
const WORK_MS = 2_000
/** Records a second that the workers can do. */
const CAPACITY = (WORKERS * 1_000) / WORK_MS
const FAILURES = 0.05

interface Job {
  readonly handed: Handed
  readonly endMs: number
}

class Hour {
  readonly #random: SeededRandom
  readonly #home: House
  /** Of each lane records a second. */
  readonly #arrivals: readonly number[]
  readonly #jobs = new Map<string, Job>()
  readonly #due: number[]
  readonly #publishedMs: { readonly lane: number; readonly atMs: number }[] = []
  readonly waits: number[][] = PRIORITIES.map(() => [])
  readonly served = PRIORITIES.map(() => 0)
  readonly #startMs: number

  constructor(home: House, arrivals: readonly number[], seed: number) {
    this.#home = home
    this.#arrivals = arrivals
    this.#due = arrivals.map(() => 0)
    this.#random = new SeededRandom(seed)
    this.#startMs = home.clock.monotonicMs()
  }

  async run(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      await this.#publish()
      for (let worker = 0; worker < WORKERS; worker += 1) await this.#work(`w${worker}`)
      this.#home.clock.advance(STEP_MS)
    }
  }

  /** Of the time that the lane's records waited for their first hand-out, in seconds. */
  p99(lane: number): number {
    const waits = (this.waits[lane] ?? []).toSorted((a, b) => a - b)
    return (waits[Math.floor(waits.length * 0.99)] ?? 0) / 1_000
  }

  shares(): number[] {
    const all = this.served.reduce((sum, each) => sum + each, 0)
    return this.served.map((each) => each / all)
  }

  async #publish(): Promise<void> {
    const lanes: number[] = []
    for (const [lane, perSecond] of this.#arrivals.entries()) {
      // As if they came by chance, and as many as they should be in the long run.
      const due = (this.#due[lane] ?? 0) + 2 * this.#random.next() * perSecond * (STEP_MS / 1_000)
      for (let i = 1; i <= due; i += 1) lanes.push(lane)
      this.#due[lane] = due % 1
    }
    if (lanes.length === 0) return
    const atMs = this.#now()
    for (const lane of lanes) this.#publishedMs.push({ lane, atMs })
    const records = lanes.map((lane) => ({ value: 'x', priority: lane as Priority }))
    await this.#home.publishRecords('t', 0, records)
  }

  async #work(memberId: string): Promise<void> {
    const job = this.#jobs.get(memberId)
    if (job !== undefined && job.endMs > this.#now()) return
    if (job !== undefined) {
      this.#jobs.delete(memberId)
      const isFailure = this.#random.chance(FAILURES)
      await this.#home.say(isFailure ? 'nack' : 'ack', [job.handed])
    }
    const [handed] = await this.#home.poll({ memberId, maxMessages: 1 })
    if (handed === undefined) return
    this.#jobs.set(memberId, { handed, endMs: this.#now() + WORK_MS })
    const { lane, atMs } = this.#publishedMs[handed.offset] ?? { lane: 0, atMs: 0 }
    this.served[lane] = (this.served[lane] ?? 0) + 1
    if (handed.deliveries === 1) this.waits[lane]?.push(this.#now() - atMs)
  }

  #now(): number {
    return this.#home.clock.monotonicMs() - this.#startMs
  }
}

async function hourOf(arrivals: readonly number[]) {
  const clock = new FakeClock()
  const random = new SeededRandom(baseSeed())
  const engine = memoryEngine({ clock, random: random.next, logger: silentLogger })
  const home = await new House({ engine, clock, seed: baseSeed() }).start()
  await home.topic('t')
  // What is not done by then waits: nobody is to be kept from work by what another one has failed.
  await home.delivery.setPolicy('topic', 't', { unresolvedMax: 100_000 })
  for (let worker = 0; worker < WORKERS; worker += 1) {
    await home.join(`w${worker}`, { assignment: 'shared', sessionTimeoutMs: 1_800_000 })
  }
  const hour = new Hour(home, arrivals, baseSeed())
  await hour.run(HOUR_MS)
  const figures = await home.delivery.priorities()
  const boosts = figures.groups[0]?.boosts ?? 0
  if (process.env['GOQUEUE_REPORT']) {
    const rows = PRIORITIES.map((name, lane) => ({
      ...{ name, served: hour.served[lane], share: hour.shares()[lane]?.toFixed(3) },
      p99WaitSeconds: hour.p99(lane),
      ready: figures.ready[lane],
    }))
    console.table(rows)
    console.log(`boosts: ${boosts}`)
  }
  return { hour, boosts }
}

describe('an hour of more work than can be done', () => {
  test('is shared by the weights where each lane gets too much', async () => {
    const { hour } = await hourOf([1, 1, 1, 1, 1].map((each) => each * CAPACITY * 0.6))
    const weights = [0.5, 0.25, 0.15, 0.07, 0.03]
    for (const [lane, share] of hour.shares().entries()) {
      expect(Math.abs(share - (weights[lane] ?? 0))).toBeLessThan(0.02)
    }
  })

  test('leaves what is urgent and little to wait for a worker and no longer', async () => {
    const { hour } = await hourOf([0.1, 0.1, 0.1, 1, 2].map((each) => each * CAPACITY))
    expect(hour.p99(0)).toBeLessThanOrEqual(WORK_MS / 1_000)
    expect(hour.p99(1)).toBeLessThanOrEqual(WORK_MS / 1_000)
    expect(hour.shares()[0]).toBeGreaterThan(0.09)
  })
})
