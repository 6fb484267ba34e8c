/**
 * The writing end of a machine's log.
 *
 * Events are queued in the order they were applied. One write is under way at a time, what arrives meanwhile
 * gathers into the next: after a write that failed nothing that was built on the lost events reaches the disk,
 * and what is replayed is always a prefix of what was applied. Syncs go on beside the writes, since a log whose
 * sync failed takes no more of them.
 *
 *   add(a) add(b) | add(c) … add(z)      write 1 holds a, b (one turn of the event loop), write 2 what came meanwhile
 *
 * A group is one batch and so is each call of add: the events of one command are there wholly or not at all.
 */
import { BrokerError, type ErrorCode } from '../kernel/errors.ts'
import { failpoint } from '../kernel/failpoint.ts'
import { invariant } from '../kernel/invariant.ts'
import { LIMITS } from '../kernel/limits.ts'
import type { Clock } from '../kernel/platform.ts'
import { MiB } from '../kernel/units.ts'
import type { AppendResult, PartitionLog } from '../log/index.ts'
import { BatchBuilder, HEADER_BYTES, type RecordBatch } from '../record/index.ts'

/** What a reply waits for; `leader` survives the process, `all` the machine. */
export type CommitAcks = 'leader' | 'all'

const GROUP_BYTES_MAX = 1 * MiB

/**
 * After what, in milliseconds, a batch is offered again that was refused and left no trace. Memory is ahead of the
 * disk until it is taken, so that nothing new is decided meanwhile where that may take long.
 */
const RETRY_MS: Partial<Record<ErrorCode, number>> = {
  BROKER_OVERLOADED: 10,
  DISK_FULL: 250,
  TOO_MANY_FILES: 250,
}

interface Group {
  readonly builder: BatchBuilder
  /** Offset of its first event. */
  readonly base: number
  readonly written: Promise<void>
  readonly settle: (error?: BrokerError) => void
  synced: Promise<void> | undefined
}

export class Journal {
  readonly #name: string
  readonly #log: PartitionLog
  readonly #clock: Clock
  readonly #queue: Group[] = []
  #last: Group | undefined
  #next: number
  #writing = false
  #pendingBytes = 0
  #addedBytes = 0
  #failure: BrokerError | undefined
  #blocked: BrokerError | undefined

  constructor(name: string, log: PartitionLog, clock: Clock) {
    this.#name = name
    this.#log = log
    this.#clock = clock
    this.#next = log.offsets().next
  }

  /** The offset that the next event will have; everything below was applied. */
  get next(): number {
    return this.#next
  }

  /** Bytes queued and not yet written. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /** Bytes ever added here. */
  get addedBytes(): number {
    return this.#addedBytes
  }

  /** Why the machine stopped for good; undefined while it runs. */
  get failure(): BrokerError | undefined {
    return this.#failure
  }

  /** Why nothing can be written for now, such as DISK_FULL; what was added waits, and is offered again. */
  get blocked(): BrokerError | undefined {
    return this.#blocked
  }

  /** Queues the events of one command, which were or will be applied in this same turn. At least one. */
  add(events: readonly Uint8Array[]): void {
    const group = this.#groupFor(events.length)
    const before = group.builder.length
    for (const value of events) group.builder.add({ value })
    const bytes = group.builder.length - before
    this.#next += events.length
    this.#pendingBytes += bytes
    this.#addedBytes += bytes
    if (this.#writing) return
    this.#writing = true
    // Behind all requests of this turn of the event loop; the log, which gathers no more, then writes in the same turn.
    setImmediate(() => void this.#writeAll())
  }

  /**
   * Resolves when everything added so far is as durable as asked. Rejects with STORAGE_ERROR where it never will be, and
   * with OUTCOME_UNKNOWN where only the next start can tell.
   */
  committed(acks: CommitAcks): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure)
    if (acks === 'leader') return this.#last?.written ?? Promise.resolve()
    if (this.#log.offsets().durable >= this.#next) return Promise.resolve()
    const group = this.#last
    if (group === undefined) return this.#sync()
    group.synced ??= group.written.then(async () => {
      try {
        await this.#sync()
      } catch (cause) {
        throw this.#unknown(cause)
      }
    })
    return group.synced
  }

  /** Stops the machine for good: memory can no longer be trusted to be what is on disk. */
  fail(cause: unknown): BrokerError {
    if (this.#failure) return this.#failure
    const why = cause instanceof Error ? cause.message : String(cause)
    this.#failure = new BrokerError('STORAGE_ERROR', `${this.#name} stopped: ${why}`, { cause })
    for (const group of this.#queue.splice(0)) group.settle(this.#failure)
    return this.#failure
  }

  /** It was written, or may have been, and is not known to stay. */
  #unknown(cause: unknown): BrokerError {
    const message = `${this.#name} stopped, and the next start tells whether this holds`
    return new BrokerError('OUTCOME_UNKNOWN', message, { cause })
  }

  #groupFor(events: number): Group {
    const open = this.#queue.at(-1)
    if (
      open &&
      open.builder.length < GROUP_BYTES_MAX &&
      open.builder.count + events <= LIMITS.batchRecordsMax
    ) {
      return open
    }
    const group = newGroup(this.#next)
    this.#queue.push(group)
    this.#last = group
    return group
  }

  async #writeAll(): Promise<void> {
    for (let group = this.#queue.shift(); group; group = this.#queue.shift()) {
      try {
        await this.#write(group)
      } catch (cause) {
        const failure = this.fail(cause)
        group.settle(mayHaveBeenWritten(cause) ? this.#unknown(cause) : failure)
        return
      }
      group.settle()
    }
    this.#writing = false
  }

  async #write(group: Group): Promise<void> {
    failpoint('journal.append.before-write')
    const batch = group.builder.take()
    const { baseOffset } = await this.#append(batch)
    invariant(
      baseOffset === group.base,
      `${this.#name}: events at ${baseOffset}, not ${group.base}`,
    )
    this.#pendingBytes -= batch.bytes.length
  }

  /** An engine that is busy or has no room just now has not failed: the same batch is offered again. */
  async #append(batch: RecordBatch): Promise<AppendResult> {
    for (;;) {
      try {
        const result = await this.#log.append(batch, 'leader')
        this.#blocked = undefined
        return result
      } catch (error) {
        await this.#untilRetry(error)
      }
      if (this.#failure !== undefined) throw this.#failure
    }
  }

  /** Rejects with `error` where trying again is of no use. */
  async #untilRetry(error: unknown): Promise<void> {
    const retryMs = error instanceof BrokerError ? RETRY_MS[error.code] : undefined
    if (retryMs === undefined || !(error instanceof BrokerError)) throw error
    if (error.code !== 'BROKER_OVERLOADED') this.#blocked = error
    await new Promise<void>((resolve) => this.#clock.setTimer(retryMs, resolve))
  }

  async #sync(): Promise<void> {
    try {
      await this.#log.sync()
    } catch (cause) {
      throw this.fail(cause)
    }
  }
}

/** A log that was fenced took no more; one whose fence went up meanwhile may have. */
const mayHaveBeenWritten = (cause: unknown): boolean =>
  cause instanceof BrokerError && (cause.code === 'OUTCOME_UNKNOWN' || cause.code === 'LOG_FENCED')

function newGroup(base: number): Group {
  let settle: Group['settle'] = () => undefined
  const written = new Promise<void>((resolve, reject) => {
    settle = (error) => (error ? reject(error) : resolve())
  })
  // Nobody has to wait for it: the failure is kept by the journal too.
  written.catch(() => undefined)
  return { builder: new BatchBuilder(), base, written, settle, synced: undefined }
}

/** Throws RECORD_TOO_LARGE or BATCH_TOO_LARGE where a journal could not take these events as one batch. */
export function checkEvents(name: string, events: readonly Uint8Array[]): void {
  let bytes = 0
  for (const event of events) {
    const length = HEADER_BYTES + event.length
    if (length > LIMITS.recordBytesMax) {
      throw new BrokerError('RECORD_TOO_LARGE', `${name}: an event of ${length} bytes`)
    }
    bytes += length
  }
  if (events.length > LIMITS.batchRecordsMax || bytes > LIMITS.batchBytesMax - GROUP_BYTES_MAX) {
    const size = `${events.length} events, ${bytes} bytes`
    throw new BrokerError('BATCH_TOO_LARGE', `${name}: ${size} by one command`)
  }
}
