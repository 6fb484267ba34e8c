/**
 * The tree of names of the simulated disk. A name made, renamed or removed is seen at once, and is sure to
 * survive a power loss only once its directory was synced. Until then each change survives or not by the
 * seed: all, none, the first few, or any subset in which no change builds on one that was lost. A rename is one
 * change: both its names or neither. Syncing a file says nothing about its name.
 */
import type { SeededRandom } from '../random.ts'
import type { SimulatedFile } from './simulatedFile.ts'

export type Node = SimulatedFile | SimulatedDirectory

interface Edit {
  readonly directory: SimulatedDirectory
  readonly name: string
  /** Undefined where the name goes. */
  readonly node: Node | undefined
}

/** Edits that survive together or not at all. */
type NameChange = readonly Edit[]

export class SimulatedDirectory {
  readonly entries = new Map<string, Node>()
  readonly durable = new Map<string, Node>()
}

export class SimulatedTree {
  readonly root = new SimulatedDirectory()
  #pending: NameChange[] = []

  find(path: string): Node | undefined {
    let node: Node | undefined = this.root
    for (const name of namesOf(path)) {
      if (!(node instanceof SimulatedDirectory)) return undefined
      node = node.entries.get(name)
    }
    return node
  }

  /** The directory that holds the last name of `path`, and that name; undefined where there is none. */
  place(path: string): { directory: SimulatedDirectory; name: string } | undefined {
    const names = namesOf(path)
    const name = names.pop()
    const directory = this.find(names.join('/'))
    if (name === undefined || !(directory instanceof SimulatedDirectory)) return undefined
    return { directory, name }
  }

  change(...edits: readonly Edit[]): void {
    for (const { directory, name, node } of edits) setEntry(directory.entries, name, node)
    this.#pending.push(edits)
  }

  /**
   * A sync of `directory` that begins now; the call at its end makes durable what had changed when it began,
   * and what those changes build on in other directories.
   */
  beginSync(directory: SimulatedDirectory): () => void {
    const covered = new Set<NameChange>()
    const names = new Map<SimulatedDirectory, Set<string>>()
    for (const change of [...this.#pending].reverse()) {
      if (!touches(change, directory) && !buildsOn(change, names)) continue
      covered.add(change)
      for (const edit of change) namesIn(names, edit.directory).add(edit.name)
    }
    return () => {
      this.#pending = this.#pending.filter((change) => {
        if (covered.has(change)) applyDurably(change)
        return !covered.has(change)
      })
    }
  }

  losePower(random: SeededRandom): void {
    const style = random.int(4)
    const kept = style === 0 ? 0 : style === 1 ? this.#pending.length : undefined
    const prefix = kept ?? random.int(this.#pending.length + 1)
    const lostNames = new Map<SimulatedDirectory, Set<string>>()
    for (const [index, change] of this.#pending.entries()) {
      const survives = style === 3 ? random.chance(0.5) : index < prefix
      if (survives && !buildsOn(change, lostNames)) applyDurably(change)
      else for (const edit of change) namesIn(lostNames, edit.directory).add(edit.name)
    }
    this.#pending = []
    restart(this.root, random)
  }
}

export const namesOf = (path: string): string[] =>
  path.split('/').filter((name) => name !== '' && name !== '.')

const touches = (change: NameChange, directory: SimulatedDirectory): boolean =>
  change.some((edit) => edit.directory === directory)

function applyDurably(change: NameChange): void {
  for (const { directory, name, node } of change) setEntry(directory.durable, name, node)
}

function setEntry(entries: Map<string, Node>, name: string, node: Node | undefined): void {
  if (node === undefined) entries.delete(name)
  else entries.set(name, node)
}

function namesIn(
  names: Map<SimulatedDirectory, Set<string>>,
  directory: SimulatedDirectory,
): Set<string> {
  const known = names.get(directory) ?? new Set<string>()
  names.set(directory, known)
  return known
}

const buildsOn = (
  change: NameChange,
  names: ReadonlyMap<SimulatedDirectory, ReadonlySet<string>>,
): boolean => change.some(({ directory, name }) => names.get(directory)?.has(name) === true)

/** What is seen from now on is what was durable, all the way down. */
function restart(directory: SimulatedDirectory, random: SeededRandom): void {
  directory.entries.clear()
  for (const [name, node] of directory.durable) {
    directory.entries.set(name, node)
    if (node instanceof SimulatedDirectory) restart(node, random)
    else node.losePower(random)
  }
}
