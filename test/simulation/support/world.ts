/**
 * Several lives of one machine with some logs, all from one seed: each life opens the logs, holds them against
 * their ledgers, works on, and ends by a power loss, a crash of the process or a clean stop, wherever the seed
 * says, also while it opens. The last life is undisturbed.
 */

import { offset } from '../../../src/kernel/units.ts'
import type { LogEngine, PartitionLog } from '../../../src/log/index.ts'
import { FakeClock } from '../../support/fakeClock.ts'
import { SeededRandom } from '../../support/random.ts'
import { type CrashKind, SimulatedDisk } from '../../support/simulatedDisk.ts'
import { laneOfEach } from '../../unit/log/support.ts'
import { type FoundRecord, Ledger } from './ledger.ts'
import { openEngine } from './openEngine.ts'
import { violations } from './properties.ts'
import { turns, unlessItHangs } from './turns.ts'
import { type OpenLog, Workload } from './workload.ts'

export interface WorldOptions {
  readonly seed: number
  /** What a power loss leaves, where it is to differ though everything before it is the same. */
  readonly fate?: number
  readonly lives: number
  readonly logs: number
  /** Records are of all priorities, and lanes are held against them. */
  readonly mixed?: boolean
  /** Of the work in each life; drawn by the seed where it is missing. */
  readonly steps?: number
  /** How a life may end; drawn by the seed. */
  readonly ends: readonly End[]
  /** Plans what goes wrong with the disk in a life, and returns how to end it. */
  readonly faults?: (disk: SimulatedDisk, random: SeededRandom) => () => void
  /** Called as each life begins, to bring it down at a place of its own; returns how to end that. */
  readonly disturb?: ((disk: SimulatedDisk) => () => void) | undefined
  /** The boundary of the first life's crash; drawn by the seed where it is missing. */
  readonly firstCut?: number
}

export type End = CrashKind | 'clean'

/** Boundaries that a life of the workload passes, more or less. */
const BOUNDARIES_OF_A_LIFE = 160
/** Turns of the event loop in which answers that were under way arrive. */
const LAST_TURNS = 12

/** One life: its chance, and whether it has ended. */
interface Life {
  readonly random: SeededRandom
  readonly end: End
  readonly isDown: () => boolean
}

export class World {
  readonly disk: SimulatedDisk
  readonly #options: WorldOptions
  readonly #random: SeededRandom
  readonly #ledgers: readonly Ledger[]
  #clock = new FakeClock()
  /** How many boundaries the first life passed. */
  boundariesOfFirstLife = 0
  /** How often a client was refused because the disk failed. */
  refusals = 0

  constructor(options: WorldOptions) {
    this.#options = options
    this.disk = new SimulatedDisk(options.seed, options.fate)
    this.#random = new SeededRandom(options.seed ^ 0x3c6e_f372)
    this.#ledgers = Array.from(
      { length: options.logs },
      (_, i) => new Ledger(`topics/t~${i}/0`, options.mixed),
    )
  }

  /** Rejects with what is wrong: the properties that do not hold by name, and the seed. */
  async run(): Promise<void> {
    try {
      for (let life = 0; life < this.#options.lives; life += 1) {
        await this.#live(life === 0 ? this.#options.firstCut : undefined)
        if (life === 0) this.boundariesOfFirstLife = this.disk.boundaries
      }
      await this.#lastLife()
    } catch (error) {
      const { seed, fate, firstCut } = this.#options
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
    const { down, crashes, powerLosses } = this.disk
    const isDown = (): boolean => this.disk.crashes > crashes
    const stopped = this.#work({ random, end, isDown })
    await unlessItHangs(Promise.race([stopped, down]))
    stopped.catch(() => undefined)
    calm?.()
    if (!isDown()) this.#crashAtLeisure(end, random)
    await turns(LAST_TURNS)
    if (this.disk.powerLosses > powerLosses) for (const each of this.#ledgers) each.kept = 'all'
    this.#clock = new FakeClock(this.#clock.nowMs() + random.int(10_000) - 2000)
  }

  #crashAtLeisure(end: End, random: SeededRandom): void {
    if (end === 'power' || (end === 'clean' && random.chance(0.5))) this.disk.powerLoss()
    else this.disk.processCrash()
  }

  async #work(life: Life): Promise<void> {
    const { random, end, isDown } = life
    const engine = await this.#open(life)
    const logs = await this.#openLogs(engine, life)
    const { faults, steps } = this.#options
    const calm = faults?.(this.disk, random)
    const workload = new Workload({ random, logs, clock: this.#clock, isDown, calm, steps })
    await workload.run().finally(calm)
    this.refusals += workload.refusals
    if (end !== 'clean') return
    await engine.close()
    await workload.closed()
  }

  /** It must open, hold all that is owed and go on; and what it closes cleanly needs no luck. */
  async #lastLife(): Promise<void> {
    const { crashes } = this.disk
    const life = {
      random: this.#random,
      end: 'clean',
      isDown: () => this.disk.crashes > crashes,
    } as const
    const engine = await this.#open(life)
    const logs = await this.#openLogs(engine, life)
    const { random, isDown } = life
    const workload = new Workload({ random, logs, clock: this.#clock, isDown })
    await unlessItHangs(workload.appendEverywhere())
    await engine.close()
    await workload.closed()
    this.disk.powerLoss()
    const after = { ...life, isDown: () => false }
    await this.#openLogs(await this.#open(after), after)
  }

  async #open({ random, isDown }: Life): Promise<LogEngine> {
    try {
      return await openEngine(this.disk, this.#clock, random.fork())
    } catch (error) {
      throw isDown() ? error : new Error(`EngineOpensAgain: ${error}`, { cause: error })
    }
  }

  async #openLogs(engine: LogEngine, life: Life): Promise<OpenLog[]> {
    const logs: OpenLog[] = []
    const segmentBytes = 1024 * life.random.between(1, 4)
    for (const ledger of this.#ledgers) {
      const reopen = async (): Promise<PartitionLog> => {
        const log = await engine.open(ledger.name, { segmentBytes })
        await this.#audit(ledger, log, life)
        return log
      }
      try {
        logs.push({ ledger, log: await reopen(), reopen })
      } catch (error) {
        if (life.isDown()) throw error
        throw new Error(`LogOpensAgain (${ledger.name}): ${error}`, { cause: error })
      }
    }
    return logs
  }

  async #audit(ledger: Ledger, log: PartitionLog, { random, isDown }: Life): Promise<void> {
    const offsets = log.offsets()
    const found = await readAll(ledger, log, random)
    const lanes = this.#options.mixed ? await laneOfEach(log) : undefined
    if (isDown()) return
    const wrong = violations({ ledger, found, offsets, lanes, kept: ledger.kept })
    if (wrong.length > 0) throw new Error(wrong.join('\n'))
    ledger.settle(found, offsets)
  }
}

async function readAll(
  ledger: Ledger,
  log: PartitionLog,
  random: SeededRandom,
): Promise<FoundRecord[]> {
  const found: FoundRecord[] = []
  const { start, next } = log.offsets()
  for (let at: number = start; at < next; ) {
    const limit = { maxBytes: random.between(1, 8000), maxRecords: random.between(1, 40) }
    const result = await log.read(offset(at), limit)
    found.push(...ledger.find(result.bytes))
    if (result.nextOffset <= at) break
    at = result.nextOffset
  }
  return found
}
