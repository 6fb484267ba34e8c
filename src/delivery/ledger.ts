/**
 * Runs the delivery machine, and lets its time pass: one timer for all leases and all backoffs of the broker, set to
 * what is due first.
 */
import { BrokerError } from '../kernel/errors.ts'
import type { HealthCheck } from '../kernel/health.ts'
import type { Platform, Timer } from '../kernel/platform.ts'
import { Service } from '../kernel/service.ts'
import { DAY_MS, SECOND_MS } from '../kernel/units.ts'
import { type CommitAcks, StateRunner } from '../state/index.ts'
import type { TopicsOptions } from '../topics/index.ts'
import { deliveryCodec } from './machine/codec.ts'
import type { DeliveryCommand, DeliveryEvent, DeliveryReply } from './machine/events.ts'
import { DeliveryMachine } from './machine/machine.ts'
import type { DeliveryPolicy } from './machine/policy.ts'
import type { DeliverySnapshot } from './machine/snapshot.ts'
import type { DeliveryState } from './machine/state.ts'
import type { Window } from './machine/window.ts'
import { SteadyClock } from './steadyClock.ts'

export interface LedgerOptions {
  readonly engine: TopicsOptions['engine']
  readonly platform: Platform
  readonly policy?: Partial<DeliveryPolicy> | undefined
  /** Records of it can be handed out again. */
  readonly onReady: (window: Window) => void
  /** Leases ended by their time: members have room again. */
  readonly onExpired: () => void
  /** Records of it are on their way into the dead letters. */
  readonly onDying: (window: Window) => void
}

/** Runs that one command lets expire; the next ones get their own turn of the event loop. */
const EXPIRED_MAX = 1_000
const RETRY_MS = 1 * SECOND_MS

export class Ledger extends Service {
  readonly clock: SteadyClock
  readonly #options: LedgerOptions
  readonly #machine: DeliveryMachine
  readonly #runner: StateRunner<DeliveryCommand, DeliveryEvent, DeliveryReply, DeliverySnapshot>
  #timer: Timer | undefined
  #dueMs = Number.POSITIVE_INFINITY
  #isRunning = false
  #isFailing = false

  constructor(options: LedgerOptions) {
    super()
    const { engine, platform, policy } = options
    this.#options = options
    this.clock = new SteadyClock(platform.clock)
    this.#machine = new DeliveryMachine({ policy, random: platform.random })
    this.#runner = new StateRunner({
      name: 'delivery',
      machine: this.#machine,
      codec: deliveryCodec,
      engine,
      platform: { ...platform, clock: this.clock },
      acks: 'leader',
    })
  }

  get state(): DeliveryState {
    return this.#machine.state
  }

  /** Decides, applies and queues for the journal in one step; nothing is durable before {@link committed}. */
  execute(command: DeliveryCommand): DeliveryReply {
    const reply = this.#runner.execute(command)
    this.#follow()
    return reply
  }

  /** Resolves when what was executed so far survives the process, for `all` the machine. */
  committed(acks: CommitAcks = 'leader'): Promise<void> {
    return this.#runner.committed(acks)
  }

  /** Lets in what has become due, without waiting for the timer. */
  ripen(): void {
    this.state.ripen(this.clock.nowMs(), this.#options.onReady)
  }

  health(): HealthCheck {
    return { ...this.#runner.health(), name: 'delivery' }
  }

  protected async onStart(): Promise<void> {
    await this.#runner.start()
    this.clock.notBefore(this.state.lastMs)
    this.#isRunning = true
    this.#follow()
  }

  protected async onStop(): Promise<void> {
    this.#isRunning = false
    this.#timer?.cancel()
    await this.#runner.stop()
  }

  /** What the last change asks for: graves, and a timer for what is due first now. */
  #follow(): void {
    const { state } = this
    if (state.dyingIn.size > 0) {
      for (const window of state.dyingIn) this.#options.onDying(window)
      state.dyingIn.clear()
    }
    const dueMs = state.nextDueMs()
    if (dueMs !== undefined && dueMs < this.#dueMs) this.#arm(dueMs - this.clock.nowMs(), dueMs)
  }

  #arm(delayMs: number, dueMs: number): void {
    if (!this.#isRunning) return
    this.#timer?.cancel()
    this.#dueMs = dueMs
    const waitMs = Math.min(Math.max(Math.ceil(delayMs), 0), DAY_MS)
    this.#timer = this.clock.setTimer(waitMs, () => this.#fired())
  }

  #fired(): void {
    this.#dueMs = Number.POSITIVE_INFINITY
    this.ripen()
    const { state } = this
    const nowMs = this.clock.nowMs()
    if ((state.deadlines.firstMs ?? Number.POSITIVE_INFINITY) <= nowMs) {
      if (!this.#expire()) return
    }
    const dueMs = state.nextDueMs()
    if (dueMs !== undefined) this.#arm(dueMs - nowMs, dueMs)
  }

  /** False where it failed; it is tried again. */
  #expire(): boolean {
    try {
      this.#runner.execute({ kind: 'expire', max: EXPIRED_MAX })
      this.#isFailing = false
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      if (!this.#isFailing) this.#options.platform.logger.error({ error }, 'leases not expired')
      this.#isFailing = true
      this.#arm(RETRY_MS, this.clock.nowMs() + RETRY_MS)
      return false
    }
    this.#follow()
    this.#options.onExpired()
    return true
  }
}
