/** The history of a run: kept in memory for the checks, and in a file, a line an operation, for whoever looks later. */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import type { Operation, Outcome, Span } from './operation.ts'

/** Lines that gather before they are written. */
const LINES_MAX = 500

export class History {
  readonly operations: Operation[] = []
  readonly path: string | undefined
  readonly #file: number | undefined
  #lines: string[] = []

  /** `path`: where to write it; nowhere where it is missing. */
  constructor(path?: string) {
    this.path = path
    this.#file = path === undefined ? undefined : openSync(path, 'w')
  }

  record(operation: Operation): void {
    this.operations.push(operation)
    if (this.#file === undefined) return
    this.#lines.push(JSON.stringify(operation))
    if (this.#lines.length >= LINES_MAX) this.#write()
  }

  /** Nothing is recorded after it. */
  close({ keep }: { readonly keep: boolean }): void {
    if (this.#file === undefined || this.path === undefined) return
    this.#write()
    closeSync(this.#file)
    if (!keep) rmSync(this.path, { force: true })
  }

  #write(): void {
    if (this.#file !== undefined) writeSync(this.#file, `${this.#lines.join('\n')}\n`)
    this.#lines = []
  }
}

export interface Instant {
  readonly ms: number
  readonly wall: number
}

export const now = (): Instant => ({ ms: performance.now(), wall: Date.now() })

/** From `start` until now. */
export function since(start: Instant): Span {
  const end = now()
  return { start: start.ms, end: end.ms, startWall: start.wall, endWall: end.wall }
}

export interface Told extends Span {
  readonly outcome: Outcome
  readonly code?: string | undefined
}

export const told = (start: Instant, outcome: Outcome, code?: string): Told => ({
  ...since(start),
  outcome,
  ...(code === undefined ? {} : { code }),
})
