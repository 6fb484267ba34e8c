/** Builds what the logs of one engine share. */
import type { FileSystem } from '../../io/index.ts'
import type { Platform } from '../../kernel/platform.ts'
import { ByteBudget } from './byteBudget.ts'
import { DirectoryTree } from './directoryTree.ts'
import { FilePool } from './filePool.ts'
import { Flusher } from './flusher.ts'
import { Gate } from './gate.ts'
import { IndexCache } from './indexCache.ts'
import { Removals } from './removals.ts'
import { Scratch } from './scratch.ts'
import { DEFAULT_OPTIONS, type SegmentedOptions, type Services } from './services.ts'
import { TailCache } from './tailCache.ts'
import { Turnstile } from './turnstile.ts'

/** Enough to keep the thread pool busy. */
const OPENED_AT_ONCE = 16

export interface ServicesSetup {
  readonly directory: string
  readonly fileSystem: FileSystem
  readonly platform: Platform
  readonly options?: Partial<SegmentedOptions> | undefined
}

export function makeServices(setup: ServicesSetup): Services {
  const { directory, fileSystem, platform } = setup
  const options = { ...DEFAULT_OPTIONS, ...setup.options }
  return {
    fileSystem,
    platform,
    options,
    files: new FilePool(fileSystem, options.maxOpenFiles),
    tails: new TailCache(options.tailCacheBytes),
    indexes: new IndexCache(options.indexCacheBytes),
    queued: new ByteBudget(options.queuedBytesMax),
    flusher: new Flusher(platform.clock, options.flushIntervalMs),
    directories: new DirectoryTree(fileSystem, directory),
    opening: new Gate(OPENED_AT_ONCE),
    scratch: new Scratch(),
    removals: new Removals(),
    replacements: new Turnstile(),
  }
}
