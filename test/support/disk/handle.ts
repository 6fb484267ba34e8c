/** An open file of the simulated disk. It outlives the name of its file, but not the machine. */
import type { FileHandle } from '../../../src/io/index.ts'
import { type OperationAt, systemError } from './faults.ts'
import type { Operator } from './operator.ts'
import type { SimulatedFile } from './simulatedFile.ts'

interface Opened {
  readonly operator: Operator
  readonly file: SimulatedFile
  readonly path: string
  readonly writable: boolean
}

export class SimulatedHandle implements FileHandle {
  readonly #opened: Opened
  #closed = false

  constructor(opened: Opened) {
    this.#opened = opened
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    const at = this.#at('write')
    const { operator, file } = this.#writable(at)
    const { random } = operator.disk
    const writePart = (): void =>
      file.write(bytes.subarray(0, random.int(bytes.length + 1)), position)
    return operator.change(at, {
      apply: () => {
        const growth = Math.max(0, position + bytes.length - file.size)
        const missing = growth - operator.disk.freeBytes()
        file.write(bytes.subarray(0, bytes.length - Math.max(0, missing)), position)
        if (missing > 0) throw systemError('ENOSPC', at)
      },
      applyPartly: writePart,
      fail: writePart,
    })
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    const { operator, file } = this.#open(this.#at('read'))
    return operator.look(this.#at('read'), () => file.read(into, position))
  }

  async datasync(): Promise<void> {
    const { operator, file } = this.#open(this.#at('datasync'))
    const sync = file.beginSync()
    return operator.change(this.#at('datasync'), {
      apply: () => sync.commit(),
      fail: () => sync.fail(operator.disk.random),
    })
  }

  async truncate(sizeBytes: number): Promise<void> {
    const { operator, file } = this.#writable(this.#at('truncate'))
    return operator.change(this.#at('truncate'), { apply: () => file.truncate(sizeBytes) })
  }

  async size(): Promise<number> {
    const { operator, file } = this.#open(this.#at('size'))
    return operator.look(this.#at('size'), () => file.size)
  }

  async close(): Promise<void> {
    const { operator } = this.#open({ operation: 'open', path: this.#opened.path })
    this.#closed = true
    operator.openFiles -= 1
  }

  #at(operation: OperationAt['operation']): OperationAt {
    return { operation, path: this.#opened.path }
  }

  #open(at: OperationAt): Opened {
    if (this.#closed) throw systemError('EBADF', at)
    return this.#opened
  }

  #writable(at: OperationAt): Opened {
    if (!this.#opened.writable) throw systemError('EBADF', at)
    return this.#open(at)
  }
}
