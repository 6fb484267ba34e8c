/**
 * Several lives of a topic with delayed messages on a simulated disk, from one seed. Clients schedule, cancel and put
 * off; time passes, and steps; lives end by a power loss, a crash of the process or a clean stop. In the end every
 * message must be in the topic once and not before its time, but for those that were cancelled, which never are.
 */
import { Delay } from '../../../src/delay/index.ts'
import { BrokerError } from '../../../src/kernel/errors.ts'
import { silentLogger } from '../../../src/kernel/platform.ts'
import { offset } from '../../../src/kernel/units.ts'
import type { LogEngine } from '../../../src/log/index.ts'
import { decodeRecords } from '../../../src/record/index.ts'
import { publishMessages, Topics } from '../../../src/topics/index.ts'
import { FakeClock } from '../../support/fakeClock.ts'
import { SeededRandom } from '../../support/random.ts'
import { type CrashKind, SimulatedDisk } from '../../support/simulatedDisk.ts'
import { openEngine } from './openEngine.ts'
import { turns, unlessItHangs } from './turns.ts'

export interface DelaysWorldOptions {
  readonly seed: number
  readonly fate?: number
  readonly lives: number
  readonly ends: readonly (CrashKind | 'clean')[]
  readonly firstCut?: number
  /** Called as each life begins, to bring it down at a place of its own; returns how to end that. */
  readonly disturb?: ((disk: SimulatedDisk) => () => void) | undefined
}

const PARTITIONS = 2
const BOUNDARIES_OF_A_LIFE = 180
const LAST_TURNS = 12
const CLIENTS = 4
const DELAY_MS_MAX = 4_000
/** Past every due time there can be. */
const FOREVER_MS = 120_000

/** What the client of one message knows. */
interface Sent {
  readonly value: string
  readonly partition: number
  /** Undefined until the schedule was answered. */
  offset: number | undefined
  /** Due times it may have: more than one while a change is in doubt. */
  due: number[]
  /** No: it must come. Maybe: a schedule or a cancel was not answered. Yes: it must not. */
  cancelled: 'no' | 'maybe' | 'yes'
}

interface Life {
  readonly random: SeededRandom
  readonly isDown: () => boolean
}

interface House {
  readonly topics: Topics
  readonly delay: Delay
  readonly engine: LogEngine
}

export class DelaysWorld {
  readonly disk: SimulatedDisk
  boundariesOfFirstLife = 0
  /** What happened, for tests that something did. */
  readonly tally = { delivered: 0, cancelled: 0, rescheduled: 0, tooLate: 0 }
  readonly #options: DelaysWorldOptions
  readonly #random: SeededRandom
  #clock = new FakeClock()
  readonly #sent: Sent[] = []

  constructor(options: DelaysWorldOptions) {
    this.#options = options
    this.disk = new SimulatedDisk(options.seed, options.fate)
    this.#random = new SeededRandom(options.seed ^ 0x2545_f491)
  }

  /** Rejects with what is wrong, and the seed. */
  async run(): Promise<void> {
    const { seed, fate, firstCut, lives } = this.#options
    try {
      for (let life = 0; life < lives; life += 1) {
        await this.#live(life === 0 ? firstCut : undefined)
        if (life === 0) this.boundariesOfFirstLife = this.disk.boundaries
      }
      await unlessItHangs(this.#lastLife())
    } catch (error) {
      const how = `seed ${seed}, fate ${fate ?? '-'}, first cut ${firstCut ?? '-'}`
      throw new Error(`${how}: ${error instanceof Error ? error.message : error}`, { cause: error })
    }
  }

  async #live(cut: number | undefined): Promise<void> {
    const random = this.#random.fork()
    const end = random.pick(this.#options.ends)
    const boundary = cut ?? this.disk.boundaries + 1 + random.int(BOUNDARIES_OF_A_LIFE)
    if (end !== 'clean') this.disk.cutAt(boundary, end)
    const calm = this.#options.disturb?.(this.disk)
    const { down, crashes } = this.disk
    const isDown = (): boolean => this.disk.crashes > crashes
    const stopped = this.#work(end, { random, isDown })
    await unlessItHangs(Promise.race([stopped, down]))
    stopped.catch(() => undefined)
    calm?.()
    if (!isDown()) {
      if (end === 'process') this.disk.processCrash()
      else this.disk.powerLoss()
    }
    await turns(LAST_TURNS)
    // The machine was off for a while, and its clock is not what it was.
    this.#clock = new FakeClock(this.#clock.nowMs() + random.int(3_000) - 700)
  }

  async #work(end: CrashKind | 'clean', life: Life): Promise<void> {
    const { random, isDown } = life
    const house = await this.#start(life)
    if (isDown()) return
    await this.#check(house, life)
    const clients = Array.from({ length: CLIENTS }, () =>
      this.#client(house, random.fork(), isDown),
    )
    await Promise.all([...clients, this.#time(random.fork(), isDown)])
    if (end !== 'clean' || isDown()) return
    await house.delay.stop()
    await house.topics.stop()
    await house.engine.close()
  }

  async #start({ random, isDown }: Life): Promise<House> {
    const engine = await openEngine(this.disk, this.#clock, random.fork())
    const { next } = random.fork()
    const platform = { clock: this.#clock, random: next, logger: silentLogger }
    const topics = new Topics({ engine, platform })
    await topics.start()
    const settings = {
      horizonMs: random.pick([500, 60_000]),
      segmentBytes: 2048,
      checkpointChanges: random.pick([5, 1000]),
    }
    const delay = new Delay({ engine, platform, topics, settings })
    await delay.start()
    if (topics.find('t') === undefined && !isDown()) {
      await topics.create({ name: 't', partitions: PARTITIONS, config: { segmentBytes: 4096 } })
    }
    return { topics, delay, engine }
  }

  /** Time passes in small steps, and now and then the wall clock is set. */
  async #time(random: SeededRandom, isDown: () => boolean): Promise<void> {
    for (let left = random.between(20, 60); left > 0 && !isDown(); left -= 1) {
      this.#clock.advance(random.int(60))
      if (random.chance(0.03)) this.#clock.stepWallTo(this.#clock.nowMs() + random.int(3000) - 1000)
      await turns(random.between(1, 6))
    }
  }

  async #client(house: House, random: SeededRandom, isDown: () => boolean): Promise<void> {
    for (let step = random.between(2, 10); step > 0 && !isDown(); step -= 1) {
      try {
        const own = this.#sent.filter((sent) => sent.offset !== undefined)
        const other = own.length === 0 ? undefined : random.pick(own)
        if (other === undefined || random.chance(0.5)) await this.#schedule(house, random)
        else if (random.int(2) === 0) await this.#cancel(house, other)
        else await this.#reschedule(house, other, random)
      } catch (error) {
        if (isDown()) return
        throw error
      }
    }
  }

  async #schedule({ topics, delay }: House, random: SeededRandom): Promise<void> {
    const nowMs = this.#clock.nowMs()
    const sent = Array.from({ length: random.between(1, 4) }, (): Sent => {
      const value = `m${this.#sent.length}|${'.'.repeat(random.int(200))}`
      const dueMs = nowMs + 1 + random.int(random.pick([30, DELAY_MS_MAX]))
      const each: Sent = {
        ...{ value, partition: random.int(PARTITIONS), offset: undefined },
        ...{ due: [dueMs], cancelled: 'maybe' },
      }
      this.#sent.push(each)
      return each
    })
    const topic = topics.get('t')
    const messages = sent.map(({ value, partition, due: [dueMs] }) => ({ value, partition, dueMs }))
    const later = { appends: delay.laterAppends(topic), nowMs }
    const outcome = await publishMessages(topic, messages, 'all', later)
    const taken = new Map<number, number>()
    for (const [i, each] of sent.entries()) {
      const run = outcome.runs[outcome.runOfMessage?.[i] ?? 0]
      if (run?.delayed !== true) throw new Error(`DelayedMessagesWait: ${each.value}`)
      const before = taken.get(each.partition) ?? 0
      taken.set(each.partition, before + 1)
      each.offset = run.baseOffset + before
      each.cancelled = 'no'
    }
  }

  async #cancel({ delay }: House, sent: Sent): Promise<void> {
    const before = sent.cancelled
    if (before === 'no') sent.cancelled = 'maybe'
    try {
      await delay.cancel('t', { partition: sent.partition, offset: sent.offset ?? 0 })
      sent.cancelled = 'yes'
      this.tally.cancelled += 1
    } catch (error) {
      if (!isTooLate(error)) throw error
      // Others may have cancelled it, or be about to.
      if (before === 'no' && sent.cancelled === 'maybe') sent.cancelled = 'no'
      this.tally.tooLate += 1
    }
  }

  async #reschedule({ delay }: House, sent: Sent, random: SeededRandom): Promise<void> {
    const dueMs = this.#clock.nowMs() + random.int(DELAY_MS_MAX) - 200
    sent.due.push(dueMs)
    try {
      const place = { partition: sent.partition, offset: sent.offset ?? 0 }
      await delay.reschedule('t', place, dueMs)
      this.tally.rescheduled += 1
    } catch (error) {
      if (!isTooLate(error)) throw error
      this.tally.tooLate += 1
    }
  }

  /** Undisturbed: everything that is due comes, and nothing else. */
  async #lastLife(): Promise<void> {
    const life = { random: this.#random, isDown: () => false }
    const house = await this.#start(life)
    await this.#check(house, life)
    for (let passedMs = 0; passedMs < FOREVER_MS; passedMs += 500) {
      this.#clock.advance(500)
      await turns(2)
      if (passedMs % 5000 !== 0) continue
      await turns(30)
      if (house.delay.stats().pending === 0) break
    }
    const { pending, expired } = house.delay.stats()
    if (pending + expired > 0) {
      throw new Error(`EverythingComes: ${pending} pending, ${expired} expired`)
    }
    const delivered = await this.#check(house, life)
    this.tally.delivered = delivered.size
    const lost = this.#sent.find(({ value, cancelled }) => {
      return cancelled === 'no' && !delivered.has(value)
    })
    if (lost !== undefined) throw new Error(`NothingIsLost: ${JSON.stringify(lost)}`)
    await house.delay.stop()
    await house.topics.stop()
    await house.engine.close()
  }

  /** What holds at any time: once, not early, not what was cancelled. */
  async #check({ topics }: House, { isDown }: Life): Promise<ReadonlySet<string>> {
    const there = new Set<string>()
    for (const partition of topics.get('t').partitions) {
      const { next } = partition.offsets()
      for (let at = partition.offsets().start; at < next; ) {
        const result = await partition.read(offset(at), { maxBytes: 4000, maxRecords: 50 })
        for (const record of decodeRecords(result.bytes)) {
          const value = String(record.value)
          if (there.has(value)) throw new Error(`NothingTwice: ${value}`)
          there.add(value)
          this.#checkRecord(value, record.timestampMs)
        }
        at = result.nextOffset
        if (isDown()) return there
      }
    }
    return there
  }

  #checkRecord(value: string, timestampMs: number): void {
    const sent = this.#sent.find((each) => each.value === value)
    if (sent === undefined) throw new Error(`NothingIsInvented: ${value}`)
    if (sent.cancelled === 'yes') throw new Error(`CancelledNeverComes: ${JSON.stringify(sent)}`)
    const earliest = Math.min(...sent.due)
    if (timestampMs < earliest) {
      throw new Error(`NeverEarly: ${value} at ${timestampMs}, due ${earliest}`)
    }
  }
}

/** What was delivered long ago may be known no longer. */
const isTooLate = (error: unknown): boolean =>
  error instanceof BrokerError &&
  (error.code === 'ALREADY_DELIVERED' || error.code === 'DELAYED_NOT_FOUND')
