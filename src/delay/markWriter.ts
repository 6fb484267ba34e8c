/**
 * Marks of what was delivered, gathered and written now and then: a crash that loses the last of them costs a look at
 * the end of the topic's partition, and nothing else.
 */
import { BrokerError } from '../kernel/errors.ts'
import type { Platform, Timer } from '../kernel/platform.ts'
import type { RecordBatch } from '../record/index.ts'
import { marksBatch, rangesOf } from './control.ts'

const WRITE_AFTER_MS = 500
const RETRY_AFTER_MS = 5_000
/** So many are written at once. */
const WRITE_AT = 50_000

export interface MarkWriterOptions {
  readonly platform: Platform
  /** Appends to the delay log, not waiting for the disk. */
  readonly append: (batch: RecordBatch) => Promise<void>
  /** Called after marks were written. */
  readonly onWritten: () => void
}

export class MarkWriter {
  readonly #options: MarkWriterOptions
  #delivered: number[] = []
  #expired: number[] = []
  #through = 0
  #timer: Timer | undefined
  #writing: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(options: MarkWriterOptions) {
    this.#options = options
  }

  /** As of the last note: every message delivered below it was noted. */
  get through(): number {
    return this.#through
  }

  delivered(offsets: readonly number[], through: number): void {
    this.#through = Math.max(this.#through, through)
    for (const offset of offsets) this.#delivered.push(offset)
    this.#arm(WRITE_AFTER_MS)
  }

  expired(offset: number): void {
    this.#expired.push(offset)
    this.#arm(WRITE_AFTER_MS)
  }

  /** What a mark that was read again said. */
  resume(through: number): void {
    this.#through = Math.max(this.#through, through)
  }

  /** Resolves when what was noted is written, or could not be, which is logged. */
  flush(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#writing = this.#writing.then(() => this.#write())
    return this.#writing
  }

  /** Writes what is left and starts no timer any more. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.flush()
  }

  #arm(delayMs: number): void {
    if (this.#stopped) return
    if (this.#delivered.length >= WRITE_AT && delayMs < RETRY_AFTER_MS) {
      void this.flush()
      return
    }
    this.#timer ??= this.#options.platform.clock.setTimer(delayMs, () => void this.flush())
  }

  async #write(): Promise<void> {
    const [delivered, expired] = [this.#delivered, this.#expired]
    if (delivered.length === 0 && expired.length === 0) return
    this.#delivered = []
    this.#expired = []
    const marks = { delivered: rangesOf(delivered), expired: rangesOf(expired) }
    try {
      await this.#options.append(marksBatch({ through: this.#through, ...marks }))
      this.#options.onWritten()
    } catch (error) {
      for (const offset of delivered) this.#delivered.push(offset)
      for (const offset of expired) this.#expired.push(offset)
      const isGone = error instanceof BrokerError && GONE.has(error.code)
      if (!isGone) this.#options.platform.logger.warn({ error }, 'deliveries not marked yet')
      if (!isGone) this.#arm(RETRY_AFTER_MS)
    }
  }
}

const GONE: ReadonlySet<string> = new Set(['TOPIC_NOT_FOUND', 'SHUTTING_DOWN', 'LOG_CLOSED'])
