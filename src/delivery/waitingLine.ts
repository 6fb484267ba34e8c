/**
 * Members of one group whose polls wait, first come first served. Whoever comes again with another poll ends the one
 * before: a member has one poll at a time, and the newest is the one it listens to.
 */
import type { AbortNotice } from '../kernel/caller.ts'
import { BrokerError } from '../kernel/errors.ts'
import type { Clock, Timer } from '../kernel/platform.ts'
import type { Place } from './places.ts'

export interface Waiting<T> {
  readonly memberId: string
  readonly places: ReadonlySet<Place>
  /** Tries to serve it now; undefined where there is nothing for it. */
  readonly serve: () => T | undefined
}

export interface WaitEnd {
  readonly waitMs: number
  readonly signal: AbortNotice | undefined
  /** A further reason to end the wait with nothing; returns how to stop listening. */
  readonly until: (end: () => void) => () => void
}

interface Entry<T> extends Waiting<T> {
  readonly finish: (served: T | undefined, error?: BrokerError) => void
}

export class WaitingLine<T> {
  readonly #clock: Clock
  readonly #onCount: (change: number) => void
  readonly #line = new Set<Entry<T>>()
  /** Somebody got nothing though there was something: it waits for room, not for records. */
  isLimited = false
  /** The same, and what is in the way is the share of the two lowest lanes. */
  isCapped = false

  constructor(clock: Clock, onCount: (change: number) => void) {
    this.#clock = clock
    this.#onCount = onCount
  }

  get size(): number {
    return this.#line.size
  }

  /** Ends the poll of this member that waits, if one does, with nothing. */
  supersede(memberId: string): void {
    if (this.#line.size === 0) return
    for (const entry of this.#line) {
      if (entry.memberId === memberId) entry.finish(undefined)
    }
  }

  /** Resolves when it was served, or with undefined when the wait is over. Rejects with CANCELLED and as `serve` throws. */
  wait(waiting: Waiting<T>, { waitMs, signal, until }: WaitEnd): Promise<T | undefined> {
    if (signal?.aborted) return Promise.reject(cancelled())
    return new Promise((resolve, reject) => {
      let timer: Timer | undefined
      let stop: (() => void) | undefined
      const aborted = (): void => entry.finish(undefined, cancelled())
      const entry: Entry<T> = {
        finish: (served, error) => {
          if (!this.#line.delete(entry)) return
          this.#onCount(-1)
          timer?.cancel()
          stop?.()
          signal?.removeEventListener('abort', aborted)
          if (error === undefined) resolve(served)
          else reject(error)
        },
        ...waiting,
      }
      this.#line.add(entry)
      this.#onCount(1)
      timer = this.#clock.setTimer(waitMs, () => entry.finish(undefined))
      stop = until(() => entry.finish(undefined))
      signal?.addEventListener('abort', aborted, { once: true })
    })
  }

  /** Serves those who wait for it, in their order, as long as there is something. */
  offer(place: Place, hasMore: () => boolean): void {
    for (const entry of this.#line) {
      if (!entry.places.has(place)) continue
      this.#serve(entry)
      if (!hasMore()) return
    }
  }

  /** Serves whoever can be, in their order, as long as there is room. */
  offerWhile(hasRoom: () => boolean): void {
    this.isCapped = false
    for (const entry of this.#line) {
      if (!hasRoom()) {
        this.isCapped = true
        return
      }
      this.#serve(entry)
    }
  }

  /** Tries everybody: there is room again. */
  offerAll(): void {
    this.isLimited = false
    for (const entry of this.#line) this.#serve(entry)
  }

  release(): void {
    for (const entry of this.#line) entry.finish(undefined)
  }

  #serve(entry: Entry<T>): void {
    try {
      const served = entry.serve()
      if (served !== undefined) entry.finish(served)
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      entry.finish(undefined, error)
    }
  }
}

const cancelled = (): BrokerError => new BrokerError('CANCELLED', 'the caller went away')
