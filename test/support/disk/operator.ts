/**
 * How the operations of one life of a machine pass: their delay, their boundaries, the faults planned for
 * them, and their end where the machine ends first.
 */
import type { SeededRandom } from '../random.ts'
import { type DiskFaults, type OperationAt, signal, systemError } from './faults.ts'
import type { SimulatedTree } from './simulatedDirectory.ts'

/** What the lives of one disk have in common. */
export interface DiskCore {
  readonly tree: SimulatedTree
  readonly faults: DiskFaults
  readonly random: SeededRandom
  readonly openFilesMax: number
  /** Bytes that files may still grow by. */
  freeBytes(): number
  /** A change starts or has ended; the power may go here. */
  boundary(): void
}

/** A change between its start and its end. At a crash it has happened, or not, or partly. */
interface Flight {
  apply(): unknown
  applyPartly?(): void
}

interface Change<T> extends Flight {
  apply(): T
  /** What is left behind where a planned fault strikes. */
  fail?(): void
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

export class Operator {
  readonly disk: DiskCore
  openFiles = 0
  readonly #flights = new Set<Flight>()
  readonly #down = signal()
  #alive = true

  constructor(disk: DiskCore) {
    this.disk = disk
  }

  /** Resolves when this life has ended. */
  get down(): Promise<void> {
    return this.#down.promise
  }

  /** Ends this life. What was under way happens, happens partly or does not, by the seed. */
  crash(): void {
    this.#alive = false
    const { random } = this.disk
    for (const flight of this.#flights) {
      const fate = random.int(3)
      if (fate === 1) flight.applyPartly?.()
      if (fate === 2) attempt(() => flight.apply())
    }
    this.#flights.clear()
    this.#down.resolve()
  }

  /** An operation that changes nothing. */
  async look<T>(at: OperationAt, apply: () => T): Promise<T> {
    this.#assertAlive(at)
    await this.#wait(at)
    this.#assertAlive(at)
    const code = this.disk.faults.next(at)
    if (code !== undefined) throw systemError(code, at)
    return apply()
  }

  /** An operation with a boundary at its start and one at its end. */
  async change<T>(at: OperationAt, change: Change<T>): Promise<T> {
    this.#assertAlive(at)
    this.#flights.add(change)
    this.disk.boundary()
    this.#assertAlive(at)
    await this.#wait(at)
    this.#assertAlive(at)
    this.#flights.delete(change)
    const code = this.disk.faults.next(at)
    if (code !== undefined) {
      change.fail?.()
      throw systemError(code, at)
    }
    const result = change.apply()
    this.disk.boundary()
    this.#assertAlive(at)
    return result
  }

  async #wait(at: OperationAt): Promise<void> {
    const held = this.disk.faults.held(at)
    if (held !== undefined) await Promise.race([held, this.down])
    const { random } = this.disk
    for (let turns = random.chance(0.6) ? 1 : random.between(1, 4); turns > 0; turns -= 1) {
      await nextTurn()
    }
  }

  #assertAlive(at: OperationAt): void {
    if (!this.#alive) throw systemError('EIO', at)
  }
}

function attempt(action: () => unknown): void {
  try {
    action()
  } catch {
    // It would have failed anyway.
  }
}
