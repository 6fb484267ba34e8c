/** A worker's way with what fails: warn of the first failure of several in a row, wait, try again. */
import type { BrokerError } from '../../kernel/errors.ts'
import { persist, waitToRetry } from '../trying.ts'
import type { WorkerSettings, WorkerWarning } from './options.ts'

export class Patience {
  readonly #settings: WorkerSettings

  constructor(settings: WorkerSettings) {
    this.#settings = settings
  }

  /** Tries until it works, the broker refuses for good, or `signal` aborts. */
  persist<T>(what: string, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const first = (error: BrokerError): void => this.warn('POLL_FAILED', what, error)
    return persist(this.#settings, work, { signal, first })
  }

  /** Resolves when it is time for the next try. */
  async backOff(
    failures: number,
    error: BrokerError,
    code: WorkerWarning['code'],
    signal: AbortSignal,
  ): Promise<void> {
    if (failures === 1) this.warn(code, 'the broker was asked', error)
    await waitToRetry(this.#settings, failures, error, signal)
  }

  warn(code: WorkerWarning['code'], what: string, error?: BrokerError): void {
    const message = error === undefined ? what : `${what}: ${error.message}`
    this.#settings.onWarning({ code, message, error })
  }
}
