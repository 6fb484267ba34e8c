/**
 * Several lives of a catalogue with its topics on a simulated disk, from one seed. Each name has one client, who
 * creates, fills, deletes and creates again; after each crash the names must be there or not as acknowledged, with
 * what the last incarnation was sent and nothing of those before.
 */
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

export interface TopicsWorldOptions {
  readonly seed: number
  readonly fate?: number
  readonly lives: number
  readonly ends: readonly (CrashKind | 'clean')[]
  readonly firstCut?: number
  /** Called as each life begins, to bring it down at a place of its own; returns how to end that. */
  readonly disturb?: ((disk: SimulatedDisk) => () => void) | undefined
}

const NAMES = ['orders', 'quakes', 'orders.dlq']
const PARTITIONS = 2
const BOUNDARIES_OF_A_LIFE = 140
const LAST_TURNS = 12

/** What the client of one name knows. */
interface Known {
  readonly name: string
  /** Counts the creations asked for. */
  incarnation: number
  exists: boolean
  /** A creation or deletion that was not answered: the name may be there, or not. */
  inDoubt: boolean
  sent: number
  /** Values acknowledged as on disk. */
  readonly owed: Set<string>
}

interface Life {
  readonly random: SeededRandom
  readonly isDown: () => boolean
  /** True where something may keep files from being removed. */
  readonly isDisturbed: boolean
}

export class TopicsWorld {
  readonly disk: SimulatedDisk
  boundariesOfFirstLife = 0
  readonly #options: TopicsWorldOptions
  readonly #random: SeededRandom
  readonly #clock = new FakeClock()
  readonly #known: readonly Known[] = NAMES.map((name) => ({
    ...{ name, incarnation: 0, exists: false, inDoubt: false, sent: 0 },
    owed: new Set<string>(),
  }))

  constructor(options: TopicsWorldOptions) {
    this.#options = options
    this.disk = new SimulatedDisk(options.seed, options.fate)
    this.#random = new SeededRandom(options.seed ^ 0x510e_527f)
  }

  async run(): Promise<void> {
    const { seed, fate, firstCut, lives } = this.#options
    try {
      for (let life = 0; life < lives; life += 1) {
        await this.#live(life === 0 ? firstCut : undefined)
        if (life === 0) this.boundariesOfFirstLife = this.disk.boundaries
      }
      await this.#work('clean', { random: this.#random, isDown: () => false, isDisturbed: false })
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
    const stopped = this.#work(end, { random, isDown, isDisturbed: calm !== undefined })
    await unlessItHangs(Promise.race([stopped, down]))
    stopped.catch(() => undefined)
    calm?.()
    if (!isDown()) {
      if (end === 'process') this.disk.processCrash()
      else this.disk.powerLoss()
    }
    await turns(LAST_TURNS)
  }

  async #work(end: CrashKind | 'clean', life: Life): Promise<void> {
    const { topics, engine } = await this.#start(life)
    if (life.isDown()) return
    await this.#compare(topics, engine, life)
    const clients = this.#known.map((known) => this.#client(topics, known, life))
    await Promise.all(clients)
    if (end !== 'clean') return
    await topics.stop()
    await engine.close()
  }

  async #start({ random }: Life): Promise<{ topics: Topics; engine: LogEngine }> {
    const engine = await openEngine(this.disk, this.#clock, random.fork())
    const { next } = random.fork()
    const topics = new Topics({
      engine,
      platform: { clock: this.#clock, random: next, logger: silentLogger },
    })
    await topics.start()
    return { topics, engine }
  }

  async #client(topics: Topics, known: Known, { random, isDown }: Life): Promise<void> {
    const mine = random.fork()
    for (let step = mine.between(1, 8); step > 0 && !isDown(); step -= 1) {
      try {
        if (!known.exists) await this.#create(topics, known, mine)
        else if (mine.chance(0.3)) await this.#delete(topics, known)
        else await this.#publish(topics, known, mine)
      } catch (error) {
        if (isDown()) return
        throw error
      }
    }
  }

  async #create(topics: Topics, known: Known, random: SeededRandom): Promise<void> {
    known.incarnation += 1
    known.owed.clear()
    known.inDoubt = true
    const config = { segmentBytes: 1024 * random.between(1, 3) }
    await topics.create({ name: known.name, partitions: PARTITIONS, config })
    known.exists = true
    known.inDoubt = false
  }

  async #delete(topics: Topics, known: Known): Promise<void> {
    known.inDoubt = true
    await topics.delete(known.name)
    known.exists = false
    known.inDoubt = false
  }

  async #publish(topics: Topics, known: Known, random: SeededRandom): Promise<void> {
    const messages = Array.from({ length: random.between(1, 4) }, () => {
      known.sent += 1
      const value = `${known.name}|${known.incarnation}|${known.sent}|${'.'.repeat(random.int(300))}`
      return { value, partition: random.int(PARTITIONS) }
    })
    await publishMessages(topics.get(known.name), messages, 'all')
    for (const { value } of messages) known.owed.add(value)
  }

  async #compare(topics: Topics, engine: LogEngine, life: Life): Promise<void> {
    const { isDown, isDisturbed } = life
    if (topics.problems().length > 0 && !isDown()) {
      throw new Error(`EveryPartitionServes: ${topics.problems().join('; ')}`)
    }
    const names = topics.names()
    for (const known of this.#known) {
      const exists = names.includes(known.name)
      if (exists !== known.exists && !known.inDoubt) {
        throw new Error(`AcknowledgedChangesLast: ${known.name} exists: ${exists}`)
      }
      const values = exists ? await valuesOf(topics, known.name) : []
      if (isDown()) return
      // Files go only when the deletion is durable: a topic that is there still is whole.
      if (!exists) known.owed.clear()
      compareValues(known, values)
      known.exists = exists
      known.inDoubt = false
    }
    const directories = await engine.list('topics')
    if (directories.length !== names.length && !isDown() && !isDisturbed) {
      throw new Error(`NothingIsLeftOver: ${directories} for ${names}`)
    }
  }
}

function compareValues(known: Known, values: readonly string[]): void {
  const current = `${known.name}|${known.incarnation}|`
  const strange = values.find((value) => !value.startsWith(current))
  if (strange !== undefined) throw new Error(`OldFilesAreNotMet: ${strange} in ${current}`)
  const there = new Set(values)
  if (there.size !== values.length) throw new Error(`NothingTwice: in ${known.name}`)
  const lost = [...known.owed].find((value) => !there.has(value))
  if (lost !== undefined) throw new Error(`NoAcknowledgedRecordLost: ${lost}`)
}

async function valuesOf(topics: Topics, name: string): Promise<string[]> {
  const values: string[] = []
  const { partitions } = topics.get(name)
  if (partitions.length !== PARTITIONS)
    throw new Error(`NeverHalf: ${partitions.length} partitions`)
  for (const partition of partitions) {
    const { next } = partition.offsets()
    for (let at = 0; at < next; ) {
      const result = await partition.read(offset(at), { maxBytes: 4000, maxRecords: 50 })
      for (const record of decodeRecords(result.bytes)) values.push(String(record.value))
      at = result.nextOffset
    }
  }
  return values
}
