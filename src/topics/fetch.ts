/**
 * Reading many partitions of any topics at once, with one wait over all of them.
 *
 * What there is is shared out: each partition with something to read gets an equal part of what is left of the
 * limits, and the first in turn moves on with the offsets. A read that fails does not hide the others: its error is
 * part of the reply. Where there is nothing at all the fetch listens to exactly its partitions: an append wakes
 * those who read this partition and nobody else, and a wait costs one timer, however many partitions it is over.
 */
import { BrokerError } from '../kernel/errors.ts'
import type { Clock } from '../kernel/platform.ts'
import { offset } from '../kernel/units.ts'
import type { ReadLimit, ReadResult } from '../log/index.ts'
import type { Partition } from './partition.ts'
import type { Topic } from './topic.ts'
import type { Wait, WaiterBudget } from './waiters.ts'

export interface FetchRead {
  readonly topic: string
  readonly partition: number
  /** Where to begin. */
  readonly offset: number
}

/** What one read has to say; reads with nothing are left out. */
export type Fetched = {
  /** Of the read in the request. */
  readonly index: number
} & (
  | { readonly result: ReadResult; readonly error?: undefined }
  | { readonly error: BrokerError; readonly result?: undefined }
)

export interface FetchWait extends Wait {
  /** A further reason to end the wait early, with nothing; called with what ends it, returns how to stop listening. */
  readonly until?: ((end: () => void) => () => void) | undefined
}

interface Source {
  readonly index: number
  readonly offset: number
  readonly partition: Partition
}

export interface FetcherOptions {
  /** Throws TOPIC_NOT_FOUND. */
  readonly topic: (name: string) => Topic
  readonly clock: Clock
  readonly waiters: WaiterBudget
  /** Tells of topics made and deleted; returns how to stop listening. */
  readonly onChanged: (listener: (name: string) => void) => () => void
}

export class Fetcher {
  readonly #options: FetcherOptions
  readonly #waiting = new Set<() => void>()
  #released = false

  constructor(options: FetcherOptions) {
    this.#options = options
  }

  /**
   * Resolves with what there is, by read; where there is nothing, with the first that is appended, or with nothing
   * when the time is up. Rejects with CANCELLED and TOO_MANY_WAITERS.
   */
  async fetch(
    reads: readonly FetchRead[],
    limit: ReadLimit,
    wait: FetchWait,
  ): Promise<readonly Fetched[]> {
    const first = this.#look(reads)
    if (first.readable.length > 0 || first.errors.length > 0) return await readAll(first, limit)
    if (wait.waitMs <= 0 || this.#released) return []
    const grown = await this.#wait(first.idle, wait)
    return grown ? await readAll(this.#look(reads), limit) : []
  }

  /** Answers all who wait; later fetches do not wait. */
  release(): void {
    this.#released = true
    for (const end of [...this.#waiting]) end()
  }

  #look(reads: readonly FetchRead[]): Look {
    const look: Look = { readable: [], idle: [], errors: [] }
    for (const [index, read] of reads.entries()) {
      try {
        const partition = this.#options.topic(read.topic).partition(read.partition)
        const source = { index, offset: read.offset, partition }
        // Beyond the end too: the read itself says what is wrong with it.
        const atEnd = partition.offsets().next === read.offset
        look[atEnd ? 'idle' : 'readable'].push(source)
      } catch (error) {
        look.errors.push({ index, error: brokerError(error) })
      }
    }
    return look
  }

  /** Resolves with false when the time is up or the wait was ended; in one synchronous step with the look before. */
  #wait(sources: readonly Source[], wait: FetchWait): Promise<boolean> {
    const { signal, waitMs, until } = wait
    if (signal?.aborted) return Promise.reject(cancelled())
    return new Promise((resolve, reject) => {
      const { waiters, clock, onChanged } = this.#options
      waiters.take()
      const cleanups: (() => void)[] = []
      const finish = (): boolean => {
        if (!this.#waiting.delete(release)) return false
        waiters.count -= 1
        for (const clean of cleanups) clean()
        return true
      }
      const release = (): void => {
        if (finish()) resolve(false)
      }
      const grown = (): void => {
        if (finish()) resolve(true)
      }
      const aborted = (): void => {
        if (finish()) reject(cancelled())
      }
      this.#waiting.add(release)
      for (const { partition } of sources) cleanups.push(partition.subscribe(grown))
      const topics = new Set(sources.map(({ partition }) => partition.topic))
      cleanups.push(
        onChanged((name) => {
          if (topics.has(name)) grown()
        }),
      )
      const timer = clock.setTimer(waitMs, release)
      cleanups.push(() => timer.cancel())
      signal?.addEventListener('abort', aborted, { once: true })
      cleanups.push(() => signal?.removeEventListener('abort', aborted))
      if (until) cleanups.push(until(release))
    })
  }
}

interface Look {
  readonly readable: Source[]
  /** At their end: nothing to read yet. */
  readonly idle: Source[]
  readonly errors: Fetched[]
}

async function readAll({ readable, errors }: Look, limit: ReadLimit): Promise<Fetched[]> {
  const fetched = [...errors]
  const count = readable.length
  const first = readable.reduce((sum, source) => sum + source.offset, 0) % count
  let { maxRecords, maxBytes } = limit
  for (let i = 0; i < count && maxRecords > 0 && maxBytes > 0; i += 1) {
    const { index, offset: from, partition } = readable[(first + i) % count] as Source
    try {
      const result = await partition.read(offset(from), {
        maxRecords: Math.ceil(maxRecords / (count - i)),
        maxBytes: Math.ceil(maxBytes / (count - i)),
      })
      maxRecords -= result.count
      maxBytes -= result.bytes.length
      if (result.count > 0) fetched.push({ index, result })
    } catch (error) {
      fetched.push({ index, error: brokerError(error) })
    }
  }
  return fetched
}

function brokerError(error: unknown): BrokerError {
  if (error instanceof BrokerError) return error
  throw error
}

const cancelled = (): BrokerError => new BrokerError('CANCELLED', 'the caller went away')
