/** What the logs of one engine share. */

import type { FileSystem } from '../../io/index.ts'
import type { Platform } from '../../kernel/platform.ts'
import { KiB, MiB, SECOND_MS } from '../../kernel/units.ts'
import type { ByteBudget } from './byteBudget.ts'
import type { DirectoryTree } from './directoryTree.ts'
import type { FilePool } from './filePool.ts'
import type { Flusher } from './flusher.ts'
import type { Gate } from './gate.ts'
import type { IndexCache } from './indexCache.ts'
import type { Removals } from './removals.ts'
import type { Scratch } from './scratch.ts'
import type { TailCache } from './tailCache.ts'
import type { Turnstile } from './turnstile.ts'

export interface SegmentedOptions {
  /** Longest time, in milliseconds, that written records wait for a sync that nobody asked for. */
  readonly flushIntervalMs: number
  /** Memory for the records written last, of all logs together, in bytes; 0 keeps none. */
  readonly tailCacheBytes: number
  /** Memory for indexes read from files, of all logs together, in bytes. */
  readonly indexCacheBytes: number
  /** File descriptors held for segments and indexes, at most. */
  readonly maxOpenFiles: number
  /** Bytes of batches that wait to be written, of all logs together; more is refused with BROKER_OVERLOADED. */
  readonly queuedBytesMax: number
  /** Bytes that one write gathers (one batch may exceed it). */
  readonly groupBytesMax: number
  /**
   * What is read at open. tail: the records behind the last index entry, and after an unclean stop the ends of
   * sealed segments; all: every byte.
   */
  readonly verify: 'tail' | 'all'
}

export const DEFAULT_OPTIONS: SegmentedOptions = {
  flushIntervalMs: SECOND_MS,
  tailCacheBytes: 16 * MiB,
  indexCacheBytes: 32 * MiB,
  maxOpenFiles: KiB,
  queuedBytesMax: 64 * MiB,
  groupBytesMax: MiB,
  verify: 'tail',
}

export interface Services {
  readonly fileSystem: FileSystem
  readonly platform: Platform
  readonly options: SegmentedOptions
  readonly files: FilePool
  readonly tails: TailCache
  readonly indexes: IndexCache
  readonly queued: ByteBudget
  readonly flusher: Flusher
  readonly directories: DirectoryTree
  /** Opening logs, a few at a time. */
  readonly opening: Gate
  readonly scratch: Scratch
  readonly removals: Removals
  /** What blobs pass through to be replaced. */
  readonly replacements: Turnstile
}
