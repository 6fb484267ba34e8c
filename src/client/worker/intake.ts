/**
 * Asks for messages for as long as there is room for them, one poll at a time.
 *
 *   no room ─▶ until something moves;  enough waits here ─▶ a breath, then a look for something urgent;  else ─▶ poll
 */
import { BrokerError } from '../../kernel/errors.ts'
import { LIMITS } from '../../kernel/limits.ts'
import type { Membership } from '../consumer/membership.ts'
import { mayPass } from '../trying.ts'
import type { Deliveries } from './deliveries.ts'
import type { Gate } from './gate.ts'
import type { WorkerSettings } from './options.ts'
import type { Patience } from './patience.ts'
import type { Places } from './places.ts'
import type { Settlements } from './settlements.ts'

export interface IntakeHost {
  readonly settings: WorkerSettings
  readonly deliveries: Deliveries
  readonly membership: Membership
  readonly places: Places
  readonly settlements: Settlements
  readonly patience: Patience
  /** Opens when there may be room. */
  readonly gate: Gate
  /** Aborts when nothing more is to be taken. */
  readonly closing: AbortSignal
  /** Of a worker that ends with the messages: none is left, nor anything to be said of one. */
  emptied(): void
  /** The broker refuses for good. */
  failed(error: Error): void
}

/** Between polls while enough waits here: a look for something urgent. */
const BREATH_MS = 50
const SHORT_BREATH_MS = 5

export class Intake {
  readonly #host: IntakeHost

  constructor(host: IntakeHost) {
    this.#host = host
  }

  /** Resolves when it is closing. */
  async run(): Promise<void> {
    const { closing, gate, membership } = this.#host
    let failures = 0
    while (!closing.aborted) {
      if (this.#room() === 0) {
        await gate.opened()
        continue
      }
      if (this.#isStocked && !(await this.#breathe())) continue
      await membership.stable()
      const { generation } = membership
      try {
        await this.#lease(generation)
        failures = 0
      } catch (error) {
        failures += 1
        await this.#refused(error, generation, failures)
      }
    }
  }

  async #refused(error: unknown, generation: number, failures: number): Promise<void> {
    const { closing, membership, patience } = this.#host
    if (closing.aborted) return
    if (!(error instanceof BrokerError)) throw error
    if (membership.handles(error, generation)) return
    if (!mayPass(error)) this.#host.failed(error)
    else await patience.backOff(failures, error, 'POLL_FAILED', closing)
  }

  async #lease(generation: number): Promise<void> {
    const { deliveries, membership, places, closing, settings } = this.#host
    const { fetchBytes, pollWaitMs, leaseMs, untilEmpty } = settings
    const { parts, rebalance } = await deliveries.lease({
      memberId: membership.memberId ?? '',
      generation,
      maxMessages: Math.min(this.#room(), LIMITS.readMessagesMax),
      maxBytes: fetchBytes,
      waitMs: untilEmpty ? 0 : pollWaitMs,
      leaseMs,
      signal: closing,
    })
    membership.heard()
    if (rebalance) membership.rejoin(generation)
    else if (parts.length > 0) places.add(parts)
    else if (untilEmpty) await this.#endOrWait()
  }

  async #endOrWait(): Promise<void> {
    const { places, settlements, gate } = this.#host
    if (places.waiting + places.running + settlements.unconfirmed === 0) this.#host.emptied()
    else await gate.opened()
  }

  /** How many more messages may come. */
  #room(): number {
    const { places, settlements, settings } = this.#host
    const capacity = settings.concurrency + settings.prefetch
    if (settlements.unconfirmed > capacity + settings.ackBatch) return 0
    return Math.max(0, capacity - places.waiting - places.running)
  }

  /** More is not worth asking for, but that it may be urgent. */
  get #isStocked(): boolean {
    return this.#host.places.waiting > this.#host.settings.prefetch / 2
  }

  /**
   * Lets a moment pass where there is work enough: a poll for each message would be the price of not waiting. Where a
   * handler is free, or becomes so (what waits is of the lowest lanes), the moment is short: something urgent could begin
   * at once. Resolves with false where no more may come now.
   */
  async #breathe(): Promise<boolean> {
    const { places, settings, closing, gate } = this.#host
    const isOver = (): boolean => !this.#isStocked || closing.aborted
    const isBusy = (): boolean => places.running >= settings.concurrency
    if (isBusy()) await gate.within(settings.clock, BREATH_MS, () => isOver() || !isBusy())
    if (!isBusy()) await gate.within(settings.clock, SHORT_BREATH_MS, isOver)
    return !closing.aborted && this.#room() > 0
  }
}
