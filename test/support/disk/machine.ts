/** One life of a machine with a simulated disk: the FileSystem that an engine gets. It dies with the machine. */
import type { DirectoryEntry, FileHandle, FileSystem, OpenOptions } from '../../../src/io/index.ts'
import { type OperationAt, systemError } from './faults.ts'
import { SimulatedHandle } from './handle.ts'
import type { DiskCore, Operator } from './operator.ts'
import { namesOf, SimulatedDirectory } from './simulatedDirectory.ts'
import { SimulatedFile } from './simulatedFile.ts'

export class Machine implements FileSystem {
  readonly #operator: Operator
  readonly #disk: DiskCore

  constructor(operator: Operator) {
    this.#operator = operator
    this.#disk = operator.disk
  }

  async open(path: string, { mode }: OpenOptions): Promise<FileHandle> {
    const at: OperationAt = { operation: 'open', path }
    const { tree } = this.#disk
    const open = (): FileHandle => {
      const place = tree.place(path)
      if (place === undefined) throw systemError('ENOENT', at)
      const found = place.directory.entries.get(place.name)
      if (found instanceof SimulatedDirectory) throw systemError('EISDIR', at)
      if (found === undefined && mode !== 'create') throw systemError('ENOENT', at)
      if (this.#operator.openFiles >= this.#disk.openFilesMax) throw systemError('EMFILE', at)
      const file = found ?? new SimulatedFile()
      if (found === undefined) tree.change({ ...place, node: file })
      this.#operator.openFiles += 1
      return new SimulatedHandle({
        operator: this.#operator,
        file,
        path,
        writable: mode !== 'read',
      })
    }
    if (mode === 'create' && tree.find(path) === undefined) {
      return this.#operator.change(at, { apply: open })
    }
    return this.#operator.look(at, open)
  }

  async makeDirectory(path: string): Promise<void> {
    const { tree } = this.#disk
    const names = namesOf(path)
    for (let depth = 1; depth <= names.length; depth += 1) {
      const each = names.slice(0, depth).join('/')
      if (tree.find(each) instanceof SimulatedDirectory) continue
      const at: OperationAt = { operation: 'makeDirectory', path: each }
      await this.#operator.change(at, {
        apply: () => {
          const place = tree.place(each)
          if (place === undefined || tree.find(each) instanceof SimulatedFile) {
            throw systemError('ENOTDIR', at)
          }
          if (!place.directory.entries.has(place.name)) {
            tree.change({ ...place, node: new SimulatedDirectory() })
          }
        },
      })
    }
  }

  list(path: string): Promise<readonly DirectoryEntry[]> {
    const at: OperationAt = { operation: 'list', path }
    return this.#operator.look(at, () =>
      [...this.#directory(at).entries]
        .map(([name, node]) => ({ name, isDirectory: node instanceof SimulatedDirectory }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    )
  }

  rename(from: string, to: string): Promise<void> {
    const at: OperationAt = { operation: 'rename', path: to }
    const { tree } = this.#disk
    return this.#operator.change(at, {
      apply: () => {
        const source = tree.place(from)
        const target = tree.place(to)
        const node = source?.directory.entries.get(source.name)
        if (source === undefined || target === undefined || node === undefined) {
          throw systemError('ENOENT', at)
        }
        if (tree.find(to) instanceof SimulatedDirectory) throw systemError('EISDIR', at)
        tree.change({ ...source, node: undefined }, { ...target, node })
      },
    })
  }

  remove(path: string): Promise<void> {
    const at: OperationAt = { operation: 'remove', path }
    return this.#operator.change(at, {
      apply: () => {
        const node = this.#disk.tree.find(path)
        if (node === undefined) throw systemError('ENOENT', at)
        if (node instanceof SimulatedDirectory) throw systemError('EISDIR', at)
        this.#unlink(at)
      },
    })
  }

  /** One name after the other, the deepest first: a crash may leave any number of them. */
  async removeTree(path: string): Promise<void> {
    const node = this.#disk.tree.find(path)
    if (node instanceof SimulatedDirectory) {
      for (const name of [...node.entries.keys()].sort()) await this.removeTree(`${path}/${name}`)
    }
    const at: OperationAt = { operation: 'remove', path }
    if (node !== undefined) await this.#operator.change(at, { apply: () => this.#unlink(at) })
  }

  #unlink(at: OperationAt): void {
    const place = this.#disk.tree.place(at.path)
    if (place === undefined) throw systemError('ENOENT', at)
    this.#disk.tree.change({ ...place, node: undefined })
  }

  async syncDirectory(path: string): Promise<void> {
    const at: OperationAt = { operation: 'syncDirectory', path }
    const found = this.#disk.tree.find(path)
    const commit =
      found instanceof SimulatedDirectory ? this.#disk.tree.beginSync(found) : undefined
    return this.#operator.change(at, {
      apply: () => {
        if (commit === undefined) throw systemError('ENOENT', at)
        commit()
      },
    })
  }

  exists(path: string): Promise<boolean> {
    const at: OperationAt = { operation: 'exists', path }
    return this.#operator.look(at, () => this.#disk.tree.find(path) !== undefined)
  }

  #directory(at: OperationAt): SimulatedDirectory {
    const node = this.#disk.tree.find(at.path)
    if (node === undefined) throw systemError('ENOENT', at)
    if (node instanceof SimulatedFile) throw systemError('ENOTDIR', at)
    return node
  }
}
