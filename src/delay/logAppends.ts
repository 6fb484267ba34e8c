/**
 * Appends to a delay log, each of which the index learns of before anybody can ask what is covered. What is not certain
 * stays uncovered, so that the next start looks at it.
 */
import { BrokerError } from '../kernel/errors.ts'
import type { RecordBatch, WireProducer } from '../record/index.ts'
import type { AppendedOnce, Partition } from '../topics/index.ts'
import { InFlightAppends } from './inFlightAppends.ts'

export interface LogAppend {
  /** Called when it is on disk. */
  readonly apply: (appended: AppendedOnce) => void
  /** Called when nothing was written. */
  readonly refused?: () => void
  readonly producer?: WireProducer | undefined
}

export class LogAppends {
  readonly #log: Partition
  readonly #inFlight = new InFlightAppends()
  #isFenced = false

  constructor(log: Partition) {
    this.#log = log
  }

  /** The index knows of everything below this offset. */
  get covered(): number {
    return this.#inFlight.covered(this.#log.offsets().next)
  }

  /** Resolves when it is on disk and applied. Rejects as an append does. */
  async append(batch: RecordBatch, { apply, refused, producer }: LogAppend): Promise<AppendedOnce> {
    const done = this.#inFlight.begin(this.#log.offsets().next)
    const wasFenced = this.#isFenced
    try {
      const appended =
        producer === undefined
          ? { result: await this.#log.append(batch, 'all'), isDuplicate: false, isReset: false }
          : await this.#log.appendOnce(batch, 'all', producer)
      apply(appended)
      done(true)
      return appended
    } catch (error) {
      const isDefinite = wasFenced || isRefusal(error)
      if (error instanceof BrokerError && error.code === 'LOG_FENCED') this.#isFenced = true
      if (isDefinite) refused?.()
      done(isDefinite)
      throw error
    }
  }
}

const UNCERTAIN: ReadonlySet<string> = new Set(['OUTCOME_UNKNOWN', 'LOG_FENCED', 'UNKNOWN'])

/** True where the error says that nothing was written. */
const isRefusal = (error: unknown): boolean =>
  error instanceof BrokerError && !UNCERTAIN.has(error.code)
