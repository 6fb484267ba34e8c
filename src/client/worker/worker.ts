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
import { LIMITS } from '../../kernel/limits.ts'
import { SECOND_MS } from '../../kernel/units.ts'
import { backoffMs } from '../backoff.ts'
import type { Access, Asker } from '../connection.ts'
import { Membership } from '../consumer/membership.ts'
import { memberSettings } from '../consumer/options.ts'
import { pause } from '../pause.ts'
import { Deliveries } from './deliveries.ts'
import { Gate } from './gate.ts'
import { LeaseKeeper } from './leaseKeeper.ts'
import {
  type OutcomeKind,
  type WorkerOptions,
  type WorkerSettings,
  type WorkerWarning,
  workerSettings,
} from './options.ts'
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
/** Between polls while enough waits here: a look for something urgent. */
const BREATH_MS = 50
const SHORT_BREATH_MS = 5
/** For what is left to tell when handlers had no time left. */
const LAST_WORDS_MS = 5 * SECOND_MS

export class Worker {
  readonly #settings: WorkerSettings
  readonly #deliveries: Deliveries
  readonly #membership: Membership
  readonly #keeper: LeaseKeeper
  readonly #settlements: Settlements
  readonly #places: Places
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
    this.#deliveries = new Deliveries(connection, group, requestTimeoutMs)
    this.#settlements = new Settlements(this.#settlementsHost())
    this.#keeper = new LeaseKeeper({
      ...{ url: connection.url, access: connection.access },
      ...{ group, topics, slots: 2 * concurrency + prefetch + 1 },
      leaseMs: settings.leaseMs,
      maxRuntimeMs: settings.maxRuntimeMs,
      sessionTimeoutMs: settings.sessionTimeoutMs,
      onNews: (news) => this.#heard(news),
    })
    this.#places = new Places({
      ...{ settings, table: this.#keeper.table, settlements: this.#settlements },
      moved: () => this.#gate.open(),
      warn: (code, message, error) => settings.onWarning({ code, message, error }),
    })
    this.#membership = new Membership({
      ...{ clock, topics, mode: 'ack', assignment: settings.assignment },
      offsetReset: settings.offsetReset,
      member: memberSettings(settings),
      post: (action, body, timeoutMs) => this.#deliveries.post(action, body, timeoutMs),
      persist: (what, work) => this.#persist(what, work),
      assigned: (_partitions, isLost) => isLost && this.#places.dropWaiting(),
      silent: () => undefined,
      lost: (error) => this.#warn('MEMBERSHIP_LOST', 'the group no longer knew this member', error),
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
    if (!this.#closing.signal.aborted) this.#polling = this.#poll()
  }

  async #poll(): Promise<void> {
    let failures = 0
    while (!this.#closing.signal.aborted) {
      if (this.#room() === 0) {
        await this.#gate.opened()
        continue
      }
      if (this.#isStocked && !(await this.#breathe())) continue
      await this.#membership.stable()
      const { generation } = this.#membership
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
    if (this.#closing.signal.aborted) return
    if (!(error instanceof BrokerError)) throw error
    if (this.#membership.handles(error, generation)) return
    if (!mayPass(error)) this.#failed(error)
    else await this.#backOff(failures, error, 'POLL_FAILED', this.#closing.signal)
  }

  async #lease(generation: number): Promise<void> {
    const { fetchBytes, pollWaitMs, leaseMs, untilEmpty } = this.#settings
    const { parts, rebalance } = await this.#deliveries.lease({
      ...{ memberId: this.#membership.memberId ?? '', generation },
      maxMessages: Math.min(this.#room(), LIMITS.readMessagesMax),
      ...{ maxBytes: fetchBytes, waitMs: untilEmpty ? 0 : pollWaitMs, leaseMs },
      signal: this.#closing.signal,
    })
    this.#membership.heard()
    if (rebalance) this.#membership.rejoin(generation)
    else if (parts.length > 0) this.#places.add(parts)
    else if (untilEmpty) await this.#endOrWait()
  }

  async #endOrWait(): Promise<void> {
    const { waiting, running } = this.#places
    if (waiting + running + this.#settlements.unconfirmed === 0) void this.close()
    else await this.#gate.opened()
  }

  /** How many more messages may come. */
  #room(): number {
    const { concurrency, prefetch, ackBatch } = this.#settings
    const { waiting, running } = this.#places
    const capacity = concurrency + prefetch
    if (this.#settlements.unconfirmed > capacity + ackBatch) return 0
    return Math.max(0, capacity - waiting - running)
  }

  /** More is not worth asking for, but that it may be urgent. */
  get #isStocked(): boolean {
    return this.#places.waiting > this.#settings.prefetch / 2
  }

  /**
   * Lets a moment pass where there is work enough: a poll for each message would be the price of not waiting. Where a
   * handler is free (what waits is of the lowest lanes) the moment is short: something urgent could begin at once.
   * Resolves with false where no more may come now.
   */
  async #breathe(): Promise<boolean> {
    const isBusy = this.#places.running >= this.#settings.concurrency
    const { signal } = this.#closing
    const isOver = (): boolean => !this.#isStocked || signal.aborted
    await this.#within(isBusy ? BREATH_MS : SHORT_BREATH_MS, isOver)
    return !signal.aborted && this.#room() > 0
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
    await this.#within(timeoutMs, () => this.#places.running === 0)
    this.#places.abandonAll(new BrokerError('CANCELLED', 'the worker closes'))
    this.#settlements.flush()
    await this.#within(LAST_WORDS_MS, () => this.#settlements.unconfirmed === 0)
    this.#givenUp.abort()
    await Promise.all([this.#keeper.stop(), this.#membership.leave()])
    await pause(clock, 0, this.#givenUp.signal)
  }

  /** Resolves when `isSo`, or the time is up. */
  async #within(timeoutMs: number, isSo: () => boolean): Promise<void> {
    let isOver = false
    const timer = this.#settings.clock.setTimer(timeoutMs, () => {
      isOver = true
      this.#gate.open()
    })
    while (!isOver && !isSo()) await this.#gate.opened()
    timer.cancel()
  }

  #settlementsHost(): SettlementsHost {
    const { clock, ackBatch: batch, ackLingerMs: lingerMs, onOutcome } = this.#settings
    return {
      ...{ clock, batch, lingerMs },
      settle: (sayings) => this.#deliveries.settle(sayings),
      backOff: async (failures, error) => {
        if (!mayPass(error)) {
          this.#warn('SETTLE_FAILED', 'what was done cannot be told', error)
          return false
        }
        await this.#backOff(failures, error, 'SETTLE_FAILED', this.#givenUp.signal)
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
    if (news.kind === 'trouble') this.#warn('RENEWAL_FAILED', news.message)
    else if (news.kind !== 'ready') this.#places.heard(news)
  }

  /** Tries until it works, the broker refuses for good, or the worker closes. */
  async #persist<T>(what: string, work: () => Promise<T>): Promise<T> {
    for (let failures = 1; ; failures += 1) {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof BrokerError) || !mayPass(error)) throw error
        if (failures === 1) this.#warn('POLL_FAILED', what, error)
        await this.#backOff(failures, error, undefined, this.#closing.signal)
        if (this.#closing.signal.aborted) throw error
      }
    }
  }

  /** The first failure of several in a row is warned of. */
  async #backOff(
    failures: number,
    error: BrokerError,
    code: WorkerWarning['code'] | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, random, retryBackoffMs: baseMs, retryBackoffMaxMs: maxMs } = this.#settings
    if (code !== undefined && failures === 1) this.#warn(code, 'the broker was asked', error)
    const delayMs = backoffMs({ baseMs, maxMs }, failures, random)
    await pause(clock, Math.max(delayMs, error.retryAfterMs ?? 0), signal)
  }

  #warn(code: WorkerWarning['code'], what: string, error?: BrokerError): void {
    const message = error === undefined ? what : `${what}: ${error.message}`
    this.#settings.onWarning({ code, message, error })
  }

  #failed(error: Error): void {
    this.#failure ??= error
    void this.close()
  }

  readonly #onAbort = (): void => void this.close()
}

const mayPass = (error: BrokerError): boolean => error.retryable || error.code === 'OUTCOME_UNKNOWN'

const closedError = (): BrokerError => new BrokerError('CLIENT_CLOSED', 'the worker is closed')
