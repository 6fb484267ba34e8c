/**
 * Keeps chunks ready for the handlers: one loop that has a fetch under way whenever there is room for its answer.
 *
 *   fetch ──▶ chunks ready ──▶ take() … done()
 *     ▲                              │
 *     └──────── room again ◀─────────┘
 *
 * Every fetch is over all partitions that are read, from where the last answer ended, so that a full answer of one
 * partition does not keep the others waiting; the broker shares an answer out among them. When a partition joins or
 * moves while the broker holds a fetch back, that fetch is taken back and another one made.
 */
import { decodeFetchFrames, type FetchFrame } from '../../api/index.ts'
import { BrokerError, ERRORS, type ErrorCode } from '../../kernel/errors.ts'
import type { Timer } from '../../kernel/platform.ts'
import { asBrokerError } from '../asBrokerError.ts'
import { backoffMs } from '../backoff.ts'
import { pause } from '../pause.ts'
import { Chunk, type Reply } from './chunk.ts'
import { Cursors, type PartitionCursor } from './cursor.ts'
import type { ConsumerWarning, ReadingSettings } from './options.ts'
import { ReadyChunks } from './readyChunks.ts'

export interface FetchRequest {
  readonly cursors: readonly PartitionCursor[]
  readonly maxBytes: number
  readonly waitMs: number
  readonly signal: AbortSignal
}

/** What a feed needs of the consumer around it. */
export interface FeedHost {
  readonly settings: ReadingSettings
  /** True where a fetch over no partitions makes sense: it tells of a rebalance. */
  readonly fetchesNothing: boolean
  /** The body of the answer; undefined where it says nothing of records. Rejects with BrokerError. */
  fetch(request: FetchRequest): Promise<Buffer | undefined>
  /** The read of one partition was refused, for good. True where the host takes care of it. */
  refused(cursor: PartitionCursor, error: BrokerError): boolean
  /** The consumer cannot go on. */
  failed(error: BrokerError): void
}

/** Empty answers faster than this are not a long poll: the next one waits a little. */
const TOO_FAST_MS = 5
/** Blocked for so long by handlers, the feed asks for nothing but news of a rebalance. */
const WATCH_AFTER_MS = 200

const CODE_OF_WIRE = new Map<number, ErrorCode>(
  Object.entries(ERRORS).map(([code, { wire }]) => [wire, code as ErrorCode]),
)

export class Feed {
  readonly cursors = new Cursors()
  readonly #host: FeedHost
  readonly #closing = new AbortController()
  readonly #ready: ReadyChunks
  /** Aborted when the fetch that is under way no longer asks for the right thing. */
  #fetching: AbortController | undefined
  /** That of a fetch that ended by itself, for the next: one costs more than the rest of a fetch's bookkeeping. */
  #unused: AbortController | undefined
  #wake: (() => void) | undefined
  #retryTimer: Timer | undefined
  #failures = 0
  #running: Promise<void> | undefined
  #isSuspended = false
  #isClosed = false
  /** Where bytes arrived damaged, once. */
  #damaged: { readonly cursor: PartitionCursor; readonly offset: number } | undefined

  constructor(host: FeedHost) {
    this.#host = host
    this.#ready = new ReadyChunks(host.settings.prefetchBytes, () => this.changed())
  }

  /** Bytes that came and that no handler is done with. */
  get bufferedBytes(): number {
    return this.#ready.heldBytes
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Ends the loop and lets who waits for a chunk go without one. Resolves when no request is under way. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#closing.abort()
    this.#fetching?.abort()
    this.#retryTimer?.cancel()
    this.changed()
    this.nudge()
    await this.#running
  }

  /** What is to be read has changed: cursors came or went, moved or may be read again. */
  refetch(): void {
    this.#ready.dropStale()
    this.#fetching?.abort()
    this.changed()
    this.nudge()
  }

  /** Hands nothing out until it is told to go on: the partitions may be somebody else's. */
  suspend(isSuspended: boolean): void {
    if (this.#isSuspended === isSuspended) return
    this.#isSuspended = isSuspended
    for (const cursor of this.cursors.all()) cursor.rewind()
    this.refetch()
  }

  /** The next chunk of a partition that no handler is at work on; undefined where there is none right now. */
  poll(): Chunk | undefined {
    return this.#isSuspended || this.isClosed ? undefined : this.#ready.take()
  }

  /** As {@link poll}, but waits; undefined when the feed is closed, or `isOver` when it is nudged. */
  async take(isOver: () => boolean): Promise<Chunk | undefined> {
    for (;;) {
      if (this.isClosed || isOver()) return undefined
      const chunk = this.poll()
      if (chunk !== undefined) return chunk
      await this.#ready.untilNudged()
    }
  }

  /** The handler is done with the chunk, or will not look at the rest of it. */
  done(chunk: Chunk): void {
    this.#ready.drop(chunk)
    chunk.cursor.release()
    this.nudge()
  }

  /** The chunk's bytes are damaged: they are fetched once more; a second time is the end. */
  damaged(chunk: Chunk, error: BrokerError): void {
    const { cursor } = chunk
    const offset = cursor.delivered
    if (this.#damaged?.cursor === cursor && this.#damaged.offset === offset) {
      this.#host.failed(error)
      return
    }
    this.#damaged = { cursor, offset }
    this.#warn({ code: 'CORRUPT_REPLY', message: error.message, error })
    cursor.rewind()
    this.refetch()
  }

  /** Lets who waits for a chunk look again. */
  nudge(): void {
    this.#ready.nudge()
  }

  /** Ends the wait of the loop, if it waits. */
  changed(): void {
    this.#wake?.()
  }

  async #run(): Promise<void> {
    while (!this.isClosed) {
      const cursors = this.#readable()
      const canFetch = this.#ready.hasRoom(this.#host.settings.fetchBytes)
      const hasWork = canFetch && (cursors.length > 0 || this.#host.fetchesNothing)
      if (hasWork) await this.#fetchOnce(cursors)
      else if (!(await this.#waitForWork())) await this.#fetchOnce([])
    }
  }

  /** True where something changed, false where it is time to ask for news of a rebalance. */
  #waitForWork(): Promise<boolean> {
    return new Promise((resolve) => {
      const { settings, fetchesNothing } = this.#host
      const end = (changed: boolean): void => {
        timer?.cancel()
        this.#wake = undefined
        resolve(changed)
      }
      const timer = fetchesNothing
        ? settings.clock.setTimer(WATCH_AFTER_MS, () => end(false))
        : undefined
      this.#wake = () => end(true)
    })
  }

  #readable(): PartitionCursor[] {
    const { clock } = this.#host.settings
    const nowMs = clock.monotonicMs()
    const all = this.cursors.all().filter(({ isPaused, isStarting }) => !isPaused && !isStarting)
    const later = all.filter(({ retryAtMs }) => retryAtMs > nowMs)
    this.#retryTimer?.cancel()
    if (later.length > 0) {
      const atMs = Math.min(...later.map(({ retryAtMs }) => retryAtMs))
      this.#retryTimer = clock.setTimer(atMs - nowMs, () => this.refetch())
    }
    return later.length === 0 ? all : all.filter(({ retryAtMs }) => retryAtMs <= nowMs)
  }

  async #fetchOnce(cursors: readonly PartitionCursor[]): Promise<void> {
    const { settings } = this.#host
    const startMs = settings.clock.monotonicMs()
    const versions = cursors.map(({ version }) => version)
    const fetching = this.#unused ?? new AbortController()
    this.#fetching = fetching
    // Blocked by handlers it asks for news only, until there is room again.
    if (cursors.length === 0) this.#wake = () => fetching.abort()
    try {
      const body = await this.#host.fetch({
        cursors,
        maxBytes: settings.fetchBytes,
        waitMs: settings.fetchWaitMs,
        signal: fetching.signal,
      })
      this.#failures = 0
      if (body !== undefined) this.#receive(body, cursors, versions)
      const tookMs = settings.clock.monotonicMs() - startMs
      if (body?.length === 0 && tookMs < TOO_FAST_MS) await this.#rest(undefined)
    } catch (reason) {
      if (!fetching.signal.aborted) await this.#rest(asBrokerError(reason))
    } finally {
      this.#fetching = undefined
      this.#unused = fetching.signal.aborted ? undefined : fetching
      this.#wake = undefined
    }
  }

  /** Waits before the next fetch, longer with each failure. */
  async #rest(error: BrokerError | undefined): Promise<void> {
    const { clock, random, retryBackoffMs: baseMs, retryBackoffMaxMs: maxMs } = this.#host.settings
    if (error !== undefined && !error.retryable && error.code !== 'OUTCOME_UNKNOWN') {
      this.#host.failed(error)
      return
    }
    this.#failures += 1
    if (error !== undefined && this.#failures === 1) {
      this.#warn({ code: 'FETCH_FAILED', message: `fetch failed: ${error.message}`, error })
    }
    const delayMs = backoffMs({ baseMs, maxMs }, this.#failures, random)
    await pause(clock, Math.max(delayMs, error?.retryAfterMs ?? 0), this.#closing.signal)
  }

  #receive(body: Buffer, cursors: readonly PartitionCursor[], versions: readonly number[]): void {
    const reply: Reply = { byteLength: body.length, chunks: 0 }
    for (const frame of framesOf(body)) {
      const cursor = cursors[frame.index]
      // What moved meanwhile is read from elsewhere now.
      if (cursor === undefined || cursor.version !== versions[frame.index]) continue
      if (frame.error !== 0) this.#refused(cursor, frame)
      else this.#store(cursor, frame, reply)
    }
    this.#ready.arrived(reply)
  }

  #store(cursor: PartitionCursor, frame: FetchFrame, reply: Reply): void {
    cursor.failures = 0
    cursor.highWatermark = frame.highWatermark
    if (frame.bytes.length === 0) return
    this.#ready.add(new Chunk(cursor, reply, frame.bytes, frame.nextOffset))
    cursor.fetched = frame.nextOffset
  }

  #refused(cursor: PartitionCursor, frame: FetchFrame): void {
    const { topic, partition } = cursor
    const name = `${topic}-${partition}`
    const code = CODE_OF_WIRE.get(frame.error) ?? 'UNKNOWN'
    const error = new BrokerError(code, `${name} at offset ${cursor.fetched}: ${code}`)
    if (code === 'OFFSET_OUT_OF_RANGE') this.#reset(cursor, frame, error)
    else if (!this.#host.refused(cursor, error)) this.#readLater(cursor, error)
  }

  #reset(cursor: PartitionCursor, frame: FetchFrame, error: BrokerError): void {
    const { offsetReset } = this.#host.settings
    if (offsetReset === 'fail') {
      this.#host.failed(error)
      return
    }
    const to = offsetReset === 'earliest' ? frame.nextOffset : frame.highWatermark
    const message = `${error.message}: going on at ${offsetReset}, ${to}`
    this.#warn({ code: 'OFFSET_RESET', message, error })
    // What came before the gap is still good; behind the end nothing is.
    if (to > cursor.fetched) cursor.fetched = to
    else cursor.moveTo(to)
  }

  #readLater(cursor: PartitionCursor, error: BrokerError): void {
    const { clock, random, retryBackoffMs: baseMs, retryBackoffMaxMs: maxMs } = this.#host.settings
    cursor.failures += 1
    const delayMs = backoffMs({ baseMs, maxMs }, cursor.failures, random)
    cursor.retryAtMs = clock.monotonicMs() + delayMs
    if (cursor.failures > 1) return
    this.#warn({ code: 'PARTITION_FAILED', message: `cannot read ${error.message}`, error })
  }

  #warn(warning: ConsumerWarning): void {
    this.#host.settings.onWarning(warning)
  }
}

/** Throws CORRUPT_RECORD where the answer does not end where it should. */
function framesOf(body: Buffer): FetchFrame[] {
  try {
    return decodeFetchFrames(body)
  } catch (cause) {
    throw new BrokerError('CORRUPT_RECORD', `an answer of ${body.length} bytes is cut off`, {
      cause,
    })
  }
}
