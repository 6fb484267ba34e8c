/**
 * A disk in memory that forgets what was not synced: the judge of everything that calls itself durable.
 *
 *   const disk = new SimulatedDisk(seed)
 *   const fileSystem = disk.mount()     // a FileSystem; one life of the machine
 *   disk.cutAt(17)                      // in the midst of the 17th boundary
 *   … work until disk.down resolves …
 *   const next = disk.mount()           // what survived, by the seed
 *
 * A *boundary* is the start or the end of an operation that changes the disk: at its start the operation may
 * have happened, half happened or not; at its end it has happened and its caller does not know yet. From the
 * cut on every call of that life rejects with EIO, so that a dead engine cannot reach into the next life.
 * A crash of the process keeps the page cache; a power loss keeps what `disk/simulatedFile.ts` and
 * `disk/simulatedDirectory.ts` say. Operations take a seeded number of turns of the event loop, so that those
 * that overlap end in any order; nothing depends on real time.
 */
import type { FileSystem } from '../../src/io/index.ts'
import {
  DiskFaults,
  type Fault,
  type Gate,
  type OperationMatch,
  type PlannedFault,
} from './disk/faults.ts'
import { Machine } from './disk/machine.ts'
import { Operator } from './disk/operator.ts'
import { type Node, SimulatedDirectory, SimulatedTree } from './disk/simulatedDirectory.ts'
import { SimulatedFile } from './disk/simulatedFile.ts'
import { SeededRandom } from './random.ts'

export type { Fault, Gate, OperationMatch, PlannedFault } from './disk/faults.ts'

/** power: what was not synced is at risk; process: only what was under way is. */
export type CrashKind = 'power' | 'process'

export class SimulatedDisk {
  /** Files may grow until all together have this size; a write beyond it is done in part and fails with ENOSPC. */
  capacityBytes = Number.POSITIVE_INFINITY
  /** Handles that may be open at once; one more fails with EMFILE. */
  openFilesMax = Number.POSITIVE_INFINITY
  readonly #tree = new SimulatedTree()
  readonly #faults = new DiskFaults()
  readonly #timing: SeededRandom
  readonly #fate: SeededRandom
  #life: Operator
  #boundaries = 0
  #crashes = 0
  #powerLosses = 0
  #cut: { readonly boundary: number; readonly kind: CrashKind } | undefined

  /** `fate`: what a power loss leaves, where it is to differ though everything before it is the same. */
  constructor(seed: number, fate = seed) {
    this.#timing = new SeededRandom(seed)
    this.#fate = new SeededRandom(fate ^ 0x5bd1_e995)
    this.#life = this.#boot()
  }

  /** The file system of the machine that runs now; dead after the next crash. */
  mount(): FileSystem {
    return new Machine(this.#life)
  }

  /** Resolves when the machine that runs now has crashed. */
  get down(): Promise<void> {
    return this.#life.down
  }

  /** How many boundaries were passed since the disk was made. */
  get boundaries(): number {
    return this.#boundaries
  }

  /** How many lives have ended. */
  get crashes(): number {
    return this.#crashes
  }

  /** How many of them by a power loss. */
  get powerLosses(): number {
    return this.#powerLosses
  }

  get openFiles(): number {
    return this.#life.openFiles
  }

  /** Plans a crash at the boundary with that number, counted as {@link boundaries} counts. */
  cutAt(boundary: number, kind: CrashKind = 'power'): void {
    this.#cut = { boundary, kind }
  }

  powerLoss(): void {
    this.#crash('power')
  }

  processCrash(): void {
    this.#crash('process')
  }

  /** Plans an error. A write that fails is done in part; a sync that fails may drop what it was to write. */
  fail(fault: Fault): PlannedFault {
    return this.#faults.fail(fault)
  }

  /** Holds back the operations that match, from now until the gate is opened. */
  hold(match: OperationMatch): Gate {
    return this.#faults.hold(match)
  }

  /** The file at `path`, to look into or to damage. Throws where there is none. */
  file(path: string): SimulatedFile {
    const node = this.#tree.find(path)
    if (node instanceof SimulatedFile) return node
    throw new Error(`no file ${path} on the simulated disk`)
  }

  /** The paths of all files, sorted. */
  paths(): string[] {
    return [...filesBelow(this.#tree.root, '')].map(([path]) => path).sort()
  }

  get usedBytes(): number {
    let used = 0
    for (const [, file] of filesBelow(this.#tree.root, '')) used += file.size
    return used
  }

  #boot(): Operator {
    const disk = this
    return new Operator({
      tree: this.#tree,
      faults: this.#faults,
      random: this.#timing,
      get openFilesMax() {
        return disk.openFilesMax
      },
      freeBytes: () =>
        this.capacityBytes === Number.POSITIVE_INFINITY
          ? Number.POSITIVE_INFINITY
          : Math.max(0, this.capacityBytes - this.usedBytes),
      boundary: () => {
        this.#boundaries += 1
        if (this.#cut?.boundary === this.#boundaries) this.#crash(this.#cut.kind)
      },
    })
  }

  #crash(kind: CrashKind): void {
    this.#cut = undefined
    this.#crashes += 1
    const dead = this.#life
    this.#life = this.#boot()
    dead.crash()
    if (kind === 'process') return
    this.#powerLosses += 1
    this.#tree.losePower(this.#fate)
  }
}

function* filesBelow(
  directory: SimulatedDirectory,
  path: string,
): Generator<readonly [string, SimulatedFile]> {
  for (const [name, node] of directory.entries as ReadonlyMap<string, Node>) {
    if (node instanceof SimulatedDirectory) yield* filesBelow(node, `${path}/${name}`)
    else yield [`${path}/${name}`, node]
  }
}
