/** What goes wrong on the simulated disk, and when: planned by a test, asked for by each operation. */
export type DiskOperation =
  | 'open'
  | 'read'
  | 'write'
  | 'datasync'
  | 'truncate'
  | 'size'
  | 'list'
  | 'exists'
  | 'makeDirectory'
  | 'rename'
  | 'remove'
  | 'syncDirectory'

export interface OperationMatch {
  /** Any where it is missing. */
  readonly operation?: DiskOperation
  /** Of the file or directory, the target for a rename; any where it is missing. */
  readonly path?: RegExp
}

export interface Fault extends OperationMatch {
  /** Node's name of the error: ENOSPC, EIO, EMFILE, EROFS, … */
  readonly code: string
  /** How many matching operations go well first. Default 0. */
  readonly after?: number
  /** How many fail then. Default 1; Infinity for all. */
  readonly times?: number
}

/** A planned fault; `hits` says how often it struck. */
export interface PlannedFault {
  readonly hits: number
  clear(): void
}

/** Holds matching operations back until it is opened. */
export interface Gate {
  /** How many operations wait here now. */
  readonly waiting: number
  /** Resolves when the first operation has come. */
  readonly reached: Promise<void>
  /** Lets all that wait go on, and all that come later. */
  open(): void
}

export interface OperationAt {
  readonly operation: DiskOperation
  readonly path: string
}

const matches = (match: OperationMatch, { operation, path }: OperationAt): boolean =>
  (match.operation === undefined || match.operation === operation) &&
  (match.path === undefined || match.path.test(path))

export class DiskFaults {
  readonly #faults = new Set<{ fault: Fault; seen: number; hits: number }>()
  readonly #gates = new Set<{ match: OperationMatch; wait(): Promise<void> }>()

  fail(fault: Fault): PlannedFault {
    const planned = { fault, seen: 0, hits: 0 }
    this.#faults.add(planned)
    return {
      get hits() {
        return planned.hits
      },
      clear: () => {
        this.#faults.delete(planned)
      },
    }
  }

  /** The code with which this operation is to fail; undefined when it goes well. */
  next(at: OperationAt): string | undefined {
    for (const planned of this.#faults) {
      const { fault } = planned
      if (!matches(fault, at)) continue
      planned.seen += 1
      const first = fault.after ?? 0
      if (planned.seen <= first || planned.seen > first + (fault.times ?? 1)) continue
      planned.hits += 1
      return fault.code
    }
    return undefined
  }

  hold(match: OperationMatch): Gate {
    const opened = signal()
    const reached = signal()
    let waiting = 0
    const gate = {
      match,
      wait: async () => {
        waiting += 1
        reached.resolve()
        await opened.promise
        waiting -= 1
      },
    }
    this.#gates.add(gate)
    return {
      get waiting() {
        return waiting
      },
      reached: reached.promise,
      open: () => {
        this.#gates.delete(gate)
        opened.resolve()
      },
    }
  }

  /** Undefined where no gate holds this operation. */
  held(at: OperationAt): Promise<void> | undefined {
    for (const gate of this.#gates) if (matches(gate.match, at)) return gate.wait()
    return undefined
  }
}

/** A promise that is resolved from outside. */
export function signal(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve: () => void = () => undefined
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

/** An error as Node's own file system makes it. */
export function systemError(code: string, { operation, path }: OperationAt): Error {
  const error = new Error(`${code}: ${operation} '${path}'`)
  return Object.assign(error, { code, syscall: operation, path })
}
