/**
 * Those who wait for a log to grow: long polls.
 *
 * A doubly linked list in order of the position waited for, first come first served among equals. Almost all wait
 * for the end of the log, so a new one goes to the tail and an append wakes from the head and stops at the first
 * whose position it does not reach: O(1) to wait and to leave, O(woken) to wake, nothing that ticks meanwhile.
 */
import type { AbortNotice } from '../kernel/caller.ts'
import { BrokerError } from '../kernel/errors.ts'
import type { Clock, Timer } from '../kernel/platform.ts'

/** How long, and for whom. */
export interface Wait {
  readonly waitMs: number
  /** Aborted when the caller is gone; the wait then ends with CANCELLED. */
  readonly signal?: AbortNotice | undefined
}

const RETRY_AFTER_MS = 1000

/** The number of waiters of the whole broker, and its limit. */
export class WaiterBudget {
  readonly #max: number
  count = 0

  constructor(max: number) {
    this.#max = max
  }

  take(): void {
    if (this.count >= this.#max) {
      throw new BrokerError('TOO_MANY_WAITERS', `${this.#max} requests wait already`, {
        retryAfterMs: RETRY_AFTER_MS,
      })
    }
    this.count += 1
  }
}

interface Waiter {
  readonly position: number
  /** True: the position was passed. False: it was not, the wait is over all the same. */
  readonly resolve: (reached: boolean) => void
  readonly reject: (error: BrokerError) => void
  timer: Timer | undefined
  signal: AbortNotice | undefined
  onAbort: (() => void) | undefined
  previous: Waiter | undefined
  next: Waiter | undefined
}

export class WaitQueue {
  readonly #budget: WaiterBudget
  readonly #clock: Clock
  #head: Waiter | undefined
  #tail: Waiter | undefined
  #size = 0
  #released = false

  constructor(budget: WaiterBudget, clock: Clock) {
    this.#budget = budget
    this.#clock = clock
  }

  get size(): number {
    return this.#size
  }

  /**
   * Resolves with true once {@link wake} passes `position`, with false when the time is up or the queue was released.
   * Rejects with CANCELLED, with what {@link fail} is given, and with TOO_MANY_WAITERS.
   */
  wait(position: number, { waitMs, signal }: Wait): Promise<boolean> {
    if (this.#released || waitMs <= 0) return Promise.resolve(false)
    if (signal?.aborted) return Promise.reject(cancelled())
    return new Promise((resolve, reject) => {
      this.#budget.take()
      const waiter: Waiter = {
        position,
        resolve,
        reject,
        timer: undefined,
        signal,
        onAbort: undefined,
        previous: undefined,
        next: undefined,
      }
      this.#insert(waiter)
      waiter.timer = this.#clock.setTimer(waitMs, () => this.#remove(waiter).resolve(false))
      if (signal === undefined) return
      waiter.onAbort = () => this.#remove(waiter).reject(cancelled())
      signal.addEventListener('abort', waiter.onAbort, { once: true })
    })
  }

  /** Wakes, in order, all who wait for a position below `next`. */
  wake(next: number): void {
    while (this.#head !== undefined && this.#head.position < next) {
      this.#remove(this.#head).resolve(true)
    }
  }

  /** Ends all waits with false, now and from now on. */
  release(): void {
    this.#released = true
    while (this.#head !== undefined) this.#remove(this.#head).resolve(false)
  }

  /** Ends all waits with an error. */
  fail(error: BrokerError): void {
    while (this.#head !== undefined) this.#remove(this.#head).reject(error)
  }

  #insert(waiter: Waiter): void {
    let after = this.#tail
    while (after !== undefined && after.position > waiter.position) after = after.previous
    const before = after === undefined ? this.#head : after.next
    waiter.previous = after
    waiter.next = before
    if (after === undefined) this.#head = waiter
    else after.next = waiter
    if (before === undefined) this.#tail = waiter
    else before.previous = waiter
    this.#size += 1
  }

  #remove(waiter: Waiter): Waiter {
    const { previous, next } = waiter
    if (previous === undefined) this.#head = next
    else previous.next = next
    if (next === undefined) this.#tail = previous
    else next.previous = previous
    this.#size -= 1
    this.#budget.count -= 1
    waiter.timer?.cancel()
    if (waiter.onAbort) waiter.signal?.removeEventListener('abort', waiter.onAbort)
    return waiter
  }
}

const cancelled = (): BrokerError => new BrokerError('CANCELLED', 'the caller went away')
