/**
 * Several lives of one state machine on a simulated disk, from one seed. After each life what was replayed must
 * be a prefix of what was applied, whole commands only, with everything that was acknowledged.
 */
import { silentLogger } from '../../../src/kernel/platform.ts'
import type { LogEngine } from '../../../src/log/index.ts'
import { StateRunner } from '../../../src/state/index.ts'
import { FakeClock } from '../../support/fakeClock.ts'
import { SeededRandom } from '../../support/random.ts'
import { type CrashKind, SimulatedDisk } from '../../support/simulatedDisk.ts'
import { type Add, type Added, CounterMachine, counterCodec } from './counterMachine.ts'
import { openEngine } from './openEngine.ts'
import { turns, unlessItHangs } from './turns.ts'

export interface MachineWorldOptions {
  readonly seed: number
  readonly fate?: number
  readonly lives: number
  readonly ends: readonly (CrashKind | 'clean')[]
  readonly firstCut?: number
  /** Called as each life begins, to bring it down at a place of its own; returns how to end that. */
  readonly disturb?: ((disk: SimulatedDisk) => () => void) | undefined
}

const BOUNDARIES_OF_A_LIFE = 120
const LAST_TURNS = 12
const SNAPSHOT_BYTES = 2048

type Runner = StateRunner<Add, Added, number, readonly number[]>

export class MachineWorld {
  readonly disk: SimulatedDisk
  boundariesOfFirstLife = 0
  readonly #options: MachineWorldOptions
  readonly #random: SeededRandom
  readonly #clock = new FakeClock()
  /** The commands in the order in which they were applied, each a run of numbers. */
  #applied: number[][] = []
  #counter = 0
  /** How many of the commands must outlast a crash of the process, and one of the machine. */
  #owed = { process: 0, power: 0 }
  #powerWasLost = false

  constructor(options: MachineWorldOptions) {
    this.#options = options
    this.disk = new SimulatedDisk(options.seed, options.fate)
    this.#random = new SeededRandom(options.seed ^ 0x1f83_d9ab)
  }

  async run(): Promise<void> {
    const { seed, fate, firstCut, lives } = this.#options
    try {
      for (let life = 0; life < lives; life += 1) {
        await this.#live(life === 0 ? firstCut : undefined)
        if (life === 0) this.boundariesOfFirstLife = this.disk.boundaries
      }
      await this.#work('clean', () => false)
    } catch (error) {
      const how = `seed ${seed}, fate ${fate ?? '-'}, first cut ${firstCut ?? '-'}`
      throw new Error(`${how}: ${error instanceof Error ? error.message : error}`, { cause: error })
    }
  }

  async #live(cut: number | undefined): Promise<void> {
    const end = this.#random.pick(this.#options.ends)
    const boundary = cut ?? this.disk.boundaries + 1 + this.#random.int(BOUNDARIES_OF_A_LIFE)
    if (end !== 'clean') this.disk.cutAt(boundary, end)
    const calm = this.#options.disturb?.(this.disk)
    const { down, crashes, powerLosses } = this.disk
    const isDown = (): boolean => this.disk.crashes > crashes
    const stopped = this.#work(end, isDown)
    await unlessItHangs(Promise.race([stopped, down]))
    stopped.catch(() => undefined)
    calm?.()
    if (!isDown()) {
      if (end === 'process') this.disk.processCrash()
      else this.disk.powerLoss()
    }
    await turns(LAST_TURNS)
    if (this.disk.powerLosses === powerLosses) return
    this.#powerWasLost = true
    this.#owed.process = this.#owed.power
  }

  async #work(end: CrashKind | 'clean', isDown: () => boolean): Promise<void> {
    const { machine, runner, engine } = await this.#start()
    if (isDown()) return
    this.#compare(machine.numbers)
    const waiting: Promise<void>[] = []
    for (let step = this.#random.between(3, 40); step > 0 && !isDown(); step -= 1) {
      waiting.push(...this.#commands(runner, isDown))
      if (this.#random.chance(0.5)) await Promise.all(waiting)
      else await turns(this.#random.int(3))
      if (this.#random.chance(0.1)) this.#clock.advance(this.#random.int(1500))
    }
    if (end !== 'clean') return
    await Promise.all(waiting)
    await runner.stop()
    await engine.close()
    if (isDown()) return
    this.#owed = { process: this.#applied.length, power: this.#applied.length }
  }

  async #start(): Promise<{ machine: CounterMachine; runner: Runner; engine: LogEngine }> {
    const machine = new CounterMachine()
    const engine = await openEngine(this.disk, this.#clock, this.#random.fork())
    const { next } = this.#random.fork()
    const runner = new StateRunner({
      ...{ name: 'counter', machine, codec: counterCodec, engine, snapshotBytes: SNAPSHOT_BYTES },
      platform: { clock: this.#clock, random: next, logger: silentLogger },
    })
    await runner.start()
    return { machine, runner, engine }
  }

  /** MachineIsAPrefix, CommandsAreAtomic, NoAcknowledgedCommandLost; what was found is the truth from now on. */
  #compare(numbers: readonly number[]): void {
    let at = 0
    const kept: number[][] = []
    for (const command of this.#applied) {
      if (at >= numbers.length) break
      const found = numbers.slice(at, at + command.length)
      if (found.join() !== command.join()) {
        throw new Error(`MachineIsAPrefix: [${found}] where [${command}] was applied`)
      }
      at += command.length
      kept.push(command)
    }
    if (at !== numbers.length) throw new Error(`NothingInvented: ${numbers.slice(at)}`)
    const owed = this.#owed.process
    if (kept.length < owed) {
      throw new Error(`NoAcknowledgedCommandLost: ${kept.length} commands of ${owed}`)
    }
    this.#applied = kept
    const power = this.#powerWasLost ? kept.length : Math.min(this.#owed.power, kept.length)
    this.#owed = { process: kept.length, power }
    this.#powerWasLost = false
  }

  #commands(runner: Runner, isDown: () => boolean): Promise<void>[] {
    return Array.from({ length: this.#random.between(1, 4) }, () => {
      const done = this.#command(runner, isDown)
      // Looked at when all are awaited.
      done.catch(() => undefined)
      return done
    })
  }

  async #command(runner: Runner, isDown: () => boolean): Promise<void> {
    const numbers = Array.from({ length: this.#random.between(1, 5) }, () => {
      this.#counter += 1
      return this.#counter
    })
    const acks = this.#random.pick(['leader', 'all'] as const)
    this.#applied.push(numbers)
    const upTo = this.#applied.length
    try {
      await runner.submit({ numbers }, acks)
    } catch (error) {
      if (isDown()) return
      throw error
    }
    this.#owed.process = Math.max(this.#owed.process, upTo)
    if (acks === 'all') this.#owed.power = Math.max(this.#owed.power, upTo)
  }
}
