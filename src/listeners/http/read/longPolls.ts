/**
 * Reads that wait. The first look never waits and costs nothing beyond a plain read; only where there is nothing
 * is the broker asked again with the time to wait, and only then is there an AbortController.
 *
 * A wait ends early, with what there was, when the client closed its side or the listener stops. Sockets are
 * listened to once for their life, whatever polls come over them: a reader that polls again and again adds nothing.
 */
import type { Socket } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { Caller } from '../../../kernel/caller.ts'
import { callerOf } from '../caller.ts'
import type { Traffic } from '../traffic.ts'

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
  readonly #waits = new Set<AbortController>()
  readonly #bySocket = new WeakMap<Socket, Set<AbortController>>()

  constructor(traffic: Traffic) {
    this.#traffic = traffic
  }

  /** Rejects with TOO_MANY_WAITERS, and as `ask` does. */
  async read<T>(request: FastifyRequest, poll: Poll<T>): Promise<T> {
    const first = await poll.ask(0, callerOf(request))
    if (poll.waitMs === 0 || !poll.isEmpty(first) || this.#mustNotWait(request)) return first
    const controller = new AbortController()
    const { flight } = request
    const ofSocket = this.#waitsOf(request.raw.socket)
    this.#traffic.beginWait(flight)
    this.#waits.add(controller)
    ofSocket.add(controller)
    try {
      return await poll.askAgain(first)(poll.waitMs, callerOf(request, controller.signal))
    } catch (error) {
      if (controller.signal.aborted) return first
      throw error
    } finally {
      this.#waits.delete(controller)
      ofSocket.delete(controller)
      this.#traffic.endWait(flight)
    }
  }

  /** Answers all that wait. */
  release(): void {
    for (const controller of [...this.#waits]) controller.abort()
  }

  #mustNotWait({ raw: { socket } }: FastifyRequest): boolean {
    return this.#traffic.isDraining || socket.destroyed || socket.readableEnded
  }

  #waitsOf(socket: Socket): Set<AbortController> {
    const known = this.#bySocket.get(socket)
    if (known !== undefined) return known
    const waits = new Set<AbortController>()
    this.#bySocket.set(socket, waits)
    const abort = (): void => {
      for (const controller of [...waits]) controller.abort()
    }
    // `end`: it will send nothing more. A reader that only half-closed is answered at once with what there is.
    socket.once('end', abort)
    socket.once('close', abort)
    return waits
  }
}
