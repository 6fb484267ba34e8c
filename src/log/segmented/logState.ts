/** What the parts of one log share: where it begins and ends, and whether it takes writes. */
import { BrokerError } from '../../kernel/errors.ts'
import type { LogOptions } from '../port.ts'
import type { Segment } from './segment.ts'
import type { Services } from './services.ts'
import { fenced, storageError } from './storageError.ts'
import type { TailOfLog } from './tailCache.ts'

export class LogState {
  /** The log's path below the engine's directory. */
  readonly path: string
  readonly services: Services
  /** Size at which a segment is sealed. */
  segmentBytes: number
  readonly onAppended: LogOptions['onAppended']
  readonly isGathered: boolean
  /** Ascending; the last one is active. Never empty. */
  readonly segments: Segment[]
  /** Segments taken out of the log whose files are still there, the oldest first. */
  readonly doomed: Segment[] = []
  readonly tail: TailOfLog
  /** The next offset to be written; all below is readable. */
  next: number
  /** All below is on disk. */
  durable: number
  lastTimestampMs: number
  /** From here on all records are known to be normal. */
  plainFrom = 0
  closed = false
  #fence: BrokerError | undefined

  constructor(
    identity: { readonly path: string; readonly services: Services; readonly options: LogOptions },
    found: {
      readonly segments: Segment[]
      readonly next: number
      readonly durable: number
      readonly lastTimestampMs: number
    },
  ) {
    this.path = identity.path
    this.services = identity.services
    this.segmentBytes = identity.options.segmentBytes
    this.onAppended = identity.options.onAppended
    this.isGathered = identity.options.isGathered ?? false
    this.segments = found.segments
    this.next = found.next
    this.durable = found.durable
    this.lastTimestampMs = found.lastTimestampMs
    this.tail = this.services.tails.newTail()
    this.watch(this.active)
    this.findPlainFrom()
  }

  /** Raises the fence when the pool has to close the segment's file and cannot sync it. */
  watch(segment: Segment): void {
    segment.log.onSyncFailed = (error) => {
      this.raiseFence(storageError(error, `sync ${segment.log.path}`))
    }
  }

  get active(): Segment {
    return this.segments[this.segments.length - 1] as Segment
  }

  get start(): number {
    return (this.segments[0] as Segment).baseOffset
  }

  /** Of the segment that holds `offset`, which is not below the start. */
  segmentIndex(offset: number): number {
    const { segments } = this
    let low = 0
    let high = segments.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((segments[middle] as Segment).baseOffset <= offset) low = middle + 1
      else high = middle
    }
    return Math.max(0, low - 1)
  }

  /** Asks the segments, the last one first, from where on there is nothing but normal records. */
  findPlainFrom(): void {
    this.plainFrom = 0
    for (let i = this.segments.length - 1; i >= 0 && this.plainFrom === 0; i -= 1) {
      const { lanes, nextOffset, baseOffset } = this.segments[i] as Segment
      const { plainFrom } = lanes
      if (plainFrom > baseOffset) this.plainFrom = Math.min(plainFrom, nextOffset)
    }
  }

  get fence(): BrokerError | undefined {
    return this.#fence
  }

  /** Stops all writing for good: what is on disk is no longer known. Returns the error for those who wait. */
  raiseFence(cause: BrokerError): BrokerError {
    if (this.#fence === undefined) {
      this.#fence = fenced(this.path, cause)
      const { logger } = this.services.platform
      logger.error({ log: this.path, error: cause }, 'log fenced')
    }
    return this.#fence
  }

  /** Throws where the log takes no writes. */
  checkWritable(): void {
    this.checkOpen()
    if (this.#fence !== undefined) throw this.#fence
  }

  checkOpen(): void {
    if (this.closed) throw new BrokerError('LOG_CLOSED', `log ${this.path} is closed`)
  }
}
