/**
 * Takes messages of a group one by one, has them handled, and tells the broker what became of each.
 *
 *   lease ─▶ wait for a place ─▶ handler ─▶ ack | nack | reject ─▶ confirmed
 *     └─────── renewed from a thread of its own ───────┘
 *
 * A message is handed out again when its handler failed, when this process died, or when the broker lost sight of it for
 * longer than its lease; what was confirmed as acknowledged is not.
 */
import { BrokerError } from '../../kernel/errors.ts'
import { SECOND_MS } from '../../kernel/units.ts'
import type { Access, Asker } from '../connection.ts'
import { Membership } from '../consumer/membership.ts'
import { memberSettings } from '../consumer/options.ts'
import { pause } from '../pause.ts'
import { mayPass } from '../trying.ts'
import { Deliveries } from './deliveries.ts'
import { Gate } from './gate.ts'
import { Intake } from './intake.ts'
import { LeaseKeeper } from './leaseKeeper.ts'
import {
  type OutcomeKind,
  type WorkerOptions,
  type WorkerSettings,
  workerSettings,
} from './options.ts'
import { Patience } from './patience.ts'
import { Places } from './places.ts'
import type { RenewalNews } from './renewalThread.ts'
import { Settlements, type SettlementsHost } from './settlements.ts'

/** With what the thread that renews leases needs for connections of its own. */
export interface WorkerConnection extends Asker {
  readonly url: string
  readonly access?: Access | undefined
}

/** Messages by what became of them, as the broker confirmed it. `late`: their handlers' outcome came too late to count. */
export type WorkerStats = Readonly<Record<OutcomeKind | 'late', number>>

export interface CloseOptions {
  /** Handlers may take so long to finish, in milliseconds; then their leases are given back. Default 30,000. */
  readonly timeoutMs?: number
}

const CLOSE_TIMEOUT_MS = 30 * SECOND_MS
/** For what is left to tell when handlers had no time left. */
const LAST_WORDS_MS = 5 * SECOND_MS

export class Worker {
  readonly #settings: WorkerSettings
  readonly #deliveries: Deliveries
  readonly #membership: Membership
  readonly #keeper: LeaseKeeper
  readonly #settlements: Settlements
  readonly #places: Places
  readonly #patience: Patience
  readonly #intake: Intake
  readonly #gate = new Gate()
  readonly #closing = new AbortController()
  /** Nothing is tried again any more. */
  readonly #givenUp = new AbortController()
  readonly #counts = { acked: 0, nacked: 0, rejected: 0, dead: 0, lost: 0 }
  #started: Promise<void> | undefined
  #polling: Promise<void> | undefined
  #closed: Promise<void> | undefined
  #ended: () => void = () => undefined
  readonly #end = new Promise<void>((resolve) => {
    this.#ended = resolve
  })
  #failure: Error | undefined

  /** Asks the broker nothing yet. The connection stays the caller's to close. Throws INVALID_CONFIG. */
  constructor(connection: WorkerConnection, options: WorkerOptions) {
    const settings = workerSettings(options)
    const { group, topics, concurrency, prefetch, requestTimeoutMs, clock, signal } = settings
    this.#settings = settings
    this.#patience = new Patience(settings)
    this.#deliveries = new Deliveries(connection, group, requestTimeoutMs)
    this.#settlements = new Settlements(this.#settlementsHost())
    this.#keeper = new LeaseKeeper({
      url: connection.url,
      access: connection.access,
      group,
      topics,
      slots: 2 * concurrency + prefetch + 1,
      leaseMs: settings.leaseMs,
      maxRuntimeMs: settings.maxRuntimeMs,
      sessionTimeoutMs: settings.sessionTimeoutMs,
      onNews: (news) => this.#heard(news),
    })
    this.#places = new Places({
      settings,
      table: this.#keeper.table,
      settlements: this.#settlements,
      moved: () => this.#gate.open(),
      warn: (code, message, error) => settings.onWarning({ code, message, error }),
    })
    this.#membership = new Membership({
      clock,
      topics,
      mode: 'ack',
      assignment: settings.assignment,
      offsetReset: settings.offsetReset,
      member: memberSettings(settings),
      post: (action, body, timeoutMs) => this.#deliveries.post(action, body, timeoutMs),
      persist: (what, work) => this.#patience.persist(what, work, this.#closing.signal),
      assigned: (_partitions, isLost) => isLost && this.#places.dropWaiting(),
      silent: () => undefined,
      lost: (error) =>
        this.#patience.warn('MEMBERSHIP_LOST', 'the group no longer knew this member', error),
      failed: (error) => this.#failed(error),
    })
    this.#intake = new Intake({
      settings,
      deliveries: this.#deliveries,
      membership: this.#membership,
      places: this.#places,
      settlements: this.#settlements,
      patience: this.#patience,
      gate: this.#gate,
      closing: this.#closing.signal,
      emptied: () => void this.close(),
      failed: (error) => this.#failed(error),
    })
    if (signal?.aborted) void this.close()
    signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** Undefined before the first join. */
  get memberId(): string | undefined {
    return this.#membership.memberId
  }

  get stats(): WorkerStats {
    return { ...this.#counts, late: this.#places.late }
  }

  /** Messages that wait here for a handler. */
  get waiting(): number {
    return this.#places.waiting
  }

  /** Handlers at work. */
  get running(): number {
    return this.#places.running
  }

  /**
   * Resolves as a member of the group, when messages are taken. Keeps trying while the broker is away. Rejects with
   * CLIENT_CLOSED, and with what the broker says for good: GROUP_MODE_CONFLICT, GROUP_FULL, …
   */
  start(): Promise<void> {
    this.#started ??= this.#start()
    return this.#started
  }

  /** Starts, and resolves when the worker is closed. Rejects as start() does, and with what ended the worker. */
  async run(): Promise<void> {
    try {
      await this.start()
    } catch (error) {
      await this.close()
      if (this.#settings.signal?.aborted) return
      throw error
    }
    await this.#end
    if (this.#failure !== undefined) throw this.#failure
  }

  /**
   * Takes nothing more, gives back what no handler has seen, waits for the handlers and for the confirmation of what
   * they did, and leaves the group. What is unfinished after `timeoutMs` has its signal aborted and is handed out
   * again, not counted as a failure. Resolves when no timer, no request and no thread is left. Do not wait for it inside
   * a handler: it waits for the handlers.
   */
  close({ timeoutMs = CLOSE_TIMEOUT_MS }: CloseOptions = {}): Promise<void> {
    this.#closed ??= this.#close(timeoutMs).finally(this.#ended)
    return this.#closed
  }

  async #start(): Promise<void> {
    if (this.#closing.signal.aborted) throw closedError()
    try {
      await Promise.all([this.#keeper.start(), this.#membership.join()])
    } catch (error) {
      await this.#keeper.stop()
      throw this.#closing.signal.aborted ? closedError() : error
    }
    if (!this.#closing.signal.aborted) this.#polling = this.#intake.run()
  }

  async #close(timeoutMs: number): Promise<void> {
    const { clock, signal } = this.#settings
    this.#closing.abort()
    this.#places.stop()
    this.#gate.open()
    signal?.removeEventListener('abort', this.#onAbort)
    await this.#started?.catch(() => undefined)
    await this.#polling
    this.#places.giveBack()
    await this.#gate.within(clock, timeoutMs, () => this.#places.running === 0)
    this.#places.abandonAll(new BrokerError('CANCELLED', 'the worker closes'))
    this.#settlements.flush()
    await this.#gate.within(clock, LAST_WORDS_MS, () => this.#settlements.unconfirmed === 0)
    this.#givenUp.abort()
    await Promise.all([this.#keeper.stop(), this.#membership.leave()])
    await pause(clock, 0, this.#givenUp.signal)
  }

  #settlementsHost(): SettlementsHost {
    const { clock, ackBatch: batch, ackLingerMs: lingerMs, onOutcome } = this.#settings
    return {
      clock,
      batch,
      lingerMs,
      settle: (sayings) => this.#deliveries.settle(sayings),
      backOff: async (failures, error) => {
        if (!mayPass(error)) {
          this.#patience.warn('SETTLE_FAILED', 'what was done cannot be told', error)
          return false
        }
        await this.#patience.backOff(failures, error, 'SETTLE_FAILED', this.#givenUp.signal)
        return !this.#givenUp.signal.aborted
      },
      confirmed: ({ topic, partition, deliveryCount }, { from, to, offsets, outcome }) => {
        const count = offsets?.length ?? to - from
        this.#counts[outcome] += count
        if (onOutcome === undefined) return
        for (let i = 0; i < count; i += 1) {
          const offset = offsets === undefined ? from + i : (offsets[i] as number)
          onOutcome({ topic, partition, offset, deliveryCount, outcome })
        }
      },
      moved: () => this.#gate.open(),
    }
  }

  #heard(news: RenewalNews): void {
    if (news.kind === 'trouble') this.#patience.warn('RENEWAL_FAILED', news.message)
    else if (news.kind !== 'ready') this.#places.heard(news)
  }

  #failed(error: Error): void {
    this.#failure ??= error
    void this.close()
  }

  readonly #onAbort = (): void => void this.close()
}

const closedError = (): BrokerError => new BrokerError('CLIENT_CLOSED', 'the worker is closed')
