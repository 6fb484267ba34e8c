import type { FileSystem } from '../../io/index.ts'

/** What is known of a data directory while it is examined. */
export interface Patient {
  readonly path: string
  /** Reads every record instead of the ends of the segments. */
  readonly deep: boolean
  readonly fileSystem: FileSystem
  /** A daemon has it open. */
  readonly inUse: boolean
  /** It was stopped in order: nothing may be torn. */
  readonly clean: boolean
}

export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)
