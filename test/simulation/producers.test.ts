/**
 * An idempotent producer that sends every batch until it is answered, through crashes: each of its records is in the
 * log once and in order, whatever was answered, lost or sent again.
 */
import { describe, expect, test } from 'vitest'
import { silentLogger } from '../../src/kernel/platform.ts'
import { type Acks, openSegmentedEngine } from '../../src/log/index.ts'
import { decodeRecords, decodeWireBatch, WireBatchBuilder } from '../../src/record/index.ts'
import { publishOnce, Topics } from '../../src/topics/index.ts'
import { FakeClock } from '../support/fakeClock.ts'
import { SeededRandom } from '../support/random.ts'
import { SimulatedDisk } from '../support/simulatedDisk.ts'

const RUNS = Number(process.env['GOQUEUE_RUNS'] ?? 40)
const FIRST_SEED = Number(process.env['GOQUEUE_SEED'] ?? 1)
const BATCHES = 24

function wireBatch(batch: number, count: number, baseSequence: number) {
  const builder = new WireBatchBuilder(1024, true)
  for (let i = 0; i < count; i += 1) builder.add({ value: `${batch}.${i}` })
  return decodeWireBatch(Buffer.from(builder.seal({ producerId: 77, epoch: 0, baseSequence })))
}

/** What `work` resolves with; undefined where the machine died first. What it rejects with counts only on a live one. */
async function untilDown<T>(disk: SimulatedDisk, work: () => Promise<T>): Promise<T | undefined> {
  const { crashes } = disk
  const down = disk.down.then(() => undefined)
  try {
    return await Promise.race([work(), down])
  } catch (error) {
    // A call fails before `down` is heard of: the crash may have come in the midst of it.
    if (disk.crashes === crashes) throw error
    return undefined
  }
}

/** One life of the broker: sends batches from `from` on until the machine dies or all are stored. */
class Life {
  readonly #disk: SimulatedDisk
  readonly #topics: Topics
  readonly #close: () => Promise<void>

  private constructor(disk: SimulatedDisk, topics: Topics, close: () => Promise<void>) {
    this.#disk = disk
    this.#topics = topics
    this.#close = close
  }

  static async begin(disk: SimulatedDisk, seed: number): Promise<Life | undefined> {
    const random = new SeededRandom(seed)
    const platform = {
      clock: new FakeClock(),
      random: () => random.next(),
      logger: silentLogger,
    }
    const start = async () => {
      const engine = await openSegmentedEngine({
        directory: '/data',
        fileSystem: disk.mount(),
        platform,
      })
      const topics = new Topics({ engine, platform, settings: { defaultPartitions: 1 } })
      await topics.start()
      if (topics.find('t') === undefined) {
        await topics.create({ name: 't', config: { segmentBytes: 1024, recordBytesMax: 512 } })
      }
      return new Life(disk, topics, async () => {
        await topics.stop()
        await engine.close()
      })
    }
    return await untilDown(disk, start)
  }

  /** Undefined where no answer came before the machine died. */
  async send(batch: ReturnType<typeof wireBatch>, acks: Acks) {
    const { producer } = batch
    if (producer === undefined) throw new Error('a batch without a producer')
    const send = () => publishOnce(this.#topics.get('t'), batch, 0, { acks, producer })
    return await untilDown(this.#disk, send)
  }

  async values(): Promise<string[]> {
    const partition = this.#topics.get('t').partition(0)
    const values: string[] = []
    let from = partition.offsets().start
    while (from < partition.offsets().next) {
      const read = await partition.read(from, { maxBytes: 4096, maxRecords: 100 })
      values.push(...[...decodeRecords(read.bytes)].map((record) => String(record.value)))
      from = read.nextOffset
    }
    return values
  }

  stop(): Promise<void> {
    return this.#close()
  }
}

interface Plan {
  readonly seed: number
  readonly acks: Acks
  /** Records of each batch. */
  readonly counts: readonly number[]
}

const baseOf = ({ counts }: Plan, batch: number): number =>
  counts.slice(0, batch).reduce((sum, count) => sum + count, 0)

/** Sends from batch `done` on, now and then an answered one again; returns how many are answered when it ends. */
async function sendAll(life: Life, plan: Plan, done: number, random: SeededRandom) {
  const { seed, acks, counts } = plan
  let answered = done
  while (answered < BATCHES) {
    const again = answered > 0 && random.chance(0.3)
    const batch = again ? answered - 1 : answered
    const outcome = await life.send(wireBatch(batch, counts[batch] ?? 1, baseOf(plan, batch)), acks)
    if (outcome === undefined) break
    const [run] = outcome.runs
    expect(run?.baseOffset, `seed ${seed} batch ${batch}`).toBe(baseOf(plan, batch))
    if (again) expect(run?.duplicate, `seed ${seed} batch ${batch} again`).toBe(true)
    else answered += 1
  }
  return answered
}

async function run(seed: number, kind: 'power' | 'process'): Promise<void> {
  const random = new SeededRandom(seed)
  const disk = new SimulatedDisk(seed)
  // A power loss may take back what was not on disk when it was answered.
  const acks: Acks = kind === 'power' ? 'all' : 'leader'
  const plan = { seed, acks, counts: Array.from({ length: BATCHES }, () => random.between(1, 4)) }
  let done = 0
  for (let lives = 0; done < BATCHES; lives += 1) {
    expect(lives, `seed ${seed} makes progress`).toBeLessThan(200)
    disk.cutAt(disk.boundaries + random.between(1, 120), kind)
    const life = await Life.begin(disk, seed + lives)
    if (life !== undefined) done = await sendAll(life, plan, done, random)
  }
  disk.cutAt(0)
  if (kind === 'power') disk.powerLoss()
  else disk.processCrash()
  const life = await Life.begin(disk, seed)
  const expected = plan.counts.flatMap((count, batch) =>
    Array.from({ length: count }, (_, i) => `${batch}.${i}`),
  )
  expect(await life?.values(), `seed ${seed}`).toEqual(expected)
  await life?.stop()
}

describe('an idempotent producer through crashes', () => {
  test.each(['power', 'process'] as const)('%s: every record once and in order', async (kind) => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed += 1) await run(seed, kind)
  })
})
