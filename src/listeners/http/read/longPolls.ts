/**
 * Reads that wait. The first look never waits and costs nothing beyond a plain read; only where there is nothing
 * is the broker asked again with the time to wait, and only then is there a Departure.
 *
 * A wait ends early, with what there was, when the client closed its side or the listener stops.
 */
import type { FastifyRequest } from 'fastify'
import type { Caller } from '../../../kernel/caller.ts'
import { callerOf } from '../caller.ts'
import type { Traffic } from '../traffic.ts'
import { Departure } from './departure.ts'

type Ask<T> = (waitMs: number, caller: Caller) => Promise<T>

export interface Poll<T> {
  readonly waitMs: number
  readonly isEmpty: (result: T) => boolean
  readonly ask: Ask<T>
  /** Asks on from where the empty `first` ended. */
  readonly askAgain: (first: T) => Ask<T>
}

export class LongPolls {
  readonly #traffic: Traffic

  constructor(traffic: Traffic) {
    this.#traffic = traffic
  }

  /** Rejects with TOO_MANY_WAITERS, and as `ask` does. */
  async read<T>(request: FastifyRequest, poll: Poll<T>): Promise<T> {
    const first = await poll.ask(0, callerOf(request))
    if (poll.waitMs === 0 || !poll.isEmpty(first) || this.#mustNotWait(request)) return first
    const departure = new Departure()
    const { flight } = request
    this.#traffic.beginWait(flight, () => departure.abort())
    try {
      return await poll.askAgain(first)(poll.waitMs, callerOf(request, departure))
    } catch (error) {
      if (departure.aborted) return first
      throw error
    } finally {
      this.#traffic.endWait(flight)
    }
  }

  #mustNotWait({ raw: { socket } }: FastifyRequest): boolean {
    return this.#traffic.isDraining || socket.destroyed || socket.readableEnded
  }
}
