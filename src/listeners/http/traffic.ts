/**
 * What is under way: requests, long polls that wait, bytes in memory for them. The listener admits by these
 * figures, reports them, and stops by them.
 *
 *   begin ──▶ receiving ──▶ working ⇄ waiting ──▶ answered ──▶ end (the response is closed)
 *
 * Each request costs one small object and one listener; nothing ticks while none is working.
 */
import type { Socket } from 'node:net'
import type { FastifyReply } from 'fastify'
import { BrokerError } from '../../kernel/errors.ts'
import type { Clock, Timer } from '../../kernel/platform.ts'
import { SECOND_MS } from '../../kernel/units.ts'
import type { RouteCounter } from './counters.ts'
import type { HttpListenerOptions } from './options.ts'

export class Flight {
  readonly reply: FastifyReply
  readonly startedMs: number
  state: 'receiving' | 'working' | 'waiting' = 'receiving'
  /** When the body was there. */
  workingSinceMs = 0
  /** Of its body and its reply that are in memory. */
  bytes = 0
  counter: RouteCounter | undefined
  /** Ends its wait, while it waits. */
  abortWait: (() => void) | undefined
  /** Its place in the list of those under way; -1 once it ended. */
  place = -1

  constructor(reply: FastifyReply, startedMs: number) {
    this.reply = reply
    this.startedMs = startedMs
  }
}

export class Traffic {
  readonly #options: HttpListenerOptions
  readonly #clock: Clock
  /**
   * In no order; the last one takes the place of one that ends. Not a Set: one that is added to and deleted from
   * without end makes a chain of dead tables through which the young-generation collector keeps every finished
   * request alive (bench json-1: 16 µs a request of collection with a Set, 3 µs so).
   */
  readonly #flights: Flight[] = []
  /** The same by socket, in the order they came: more than one where a client sends ahead of the answers. */
  readonly #bySocket = new WeakMap<Socket, Flight[]>()
  #waiting = 0
  #bytes = 0
  #isDraining = false
  #onIdle: (() => void) | undefined
  #timer: Timer | undefined

  constructor(options: HttpListenerOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
  }

  get requests(): number {
    return this.#flights.length
  }

  get waiting(): number {
    return this.#waiting
  }

  get bytes(): number {
    return this.#bytes
  }

  /** True once the listener stops: nothing new is taken on. */
  get isDraining(): boolean {
    return this.#isDraining
  }

  flights(): Iterable<Flight> {
    return this.#flights
  }

  /** Notes a request whose head has come; it ends by itself when its response is closed. */
  begin(reply: FastifyReply): Flight {
    const flight = new Flight(reply, this.#clock.monotonicMs())
    flight.place = this.#flights.length
    this.#flights.push(flight)
    this.#ofSocket(reply.request.raw.socket).push(flight)
    reply.raw.on('close', () => this.#end(flight))
    return flight
  }

  /** A socket is listened to once for its life, however many requests come over it. */
  #ofSocket(socket: Socket): Flight[] {
    const known = this.#bySocket.get(socket)
    if (known !== undefined) return known
    const flights: Flight[] = []
    this.#bySocket.set(socket, flights)
    const leave = (): void => {
      for (const flight of [...flights]) flight.abortWait?.()
    }
    // `end`: it will send nothing more. A reader that only half-closed is answered at once with what there is.
    socket.once('end', leave)
    socket.once('close', () => {
      leave()
      // Of requests sent ahead only the first has a response that hears of the socket's end.
      for (const flight of [...flights]) this.#end(flight)
    })
    return flights
  }

  /** True where there is no room for one more. */
  get isFull(): boolean {
    return this.#flights.length - this.#waiting > this.#options.requestsMax
  }

  /** Throws SHUTTING_DOWN or BROKER_OVERLOADED where nothing is taken on. */
  admit(): void {
    if (this.#isDraining) {
      throw new BrokerError('SHUTTING_DOWN', 'the broker is stopping', { retryAfterMs: SECOND_MS })
    }
    if (this.isFull) {
      throw overloaded(`${this.#options.requestsMax} requests are under way`)
    }
  }

  /** The body has come: from now on the answer is due. */
  work(flight: Flight): void {
    flight.state = 'working'
    flight.workingSinceMs = this.#clock.monotonicMs()
    this.#timer ??= this.#clock.setTimer(this.#sweepMs, () => this.#sweep())
  }

  /** Throws TOO_MANY_WAITERS. */
  beginWait(flight: Flight, abort: () => void): void {
    if (this.#waiting >= this.#options.longPollsMax) {
      const text = `${this.#options.longPollsMax} requests wait already`
      throw new BrokerError('TOO_MANY_WAITERS', text, { retryAfterMs: SECOND_MS })
    }
    this.#waiting += 1
    flight.state = 'waiting'
    flight.abortWait = abort
  }

  /** Answers all that wait. */
  abortWaits(): void {
    for (const flight of [...this.#flights]) flight.abortWait?.()
  }

  endWait(flight: Flight): void {
    flight.abortWait = undefined
    if (flight.state !== 'waiting') return
    this.#waiting -= 1
    this.work(flight)
  }

  /** Counts bytes that stay in memory until the flight ends. Throws BROKER_OVERLOADED; they are not counted then. */
  hold(flight: Flight, bytes: number): void {
    if (this.#bytes + bytes > this.#options.bytesInFlightMax) {
      throw overloaded(`${this.#bytes} bytes of requests and replies are under way`)
    }
    this.#bytes += bytes
    flight.bytes += bytes
  }

  /** How many of `wanted` bytes a reply may have: less while memory is short, so that many readers share it. */
  grant(wanted: number): number {
    const free = this.#options.bytesInFlightMax - this.#bytes
    return Math.max(1, Math.min(wanted, Math.floor(free / REPLY_SHARE)))
  }

  /** Admits nothing new from now on; resolves when nothing is under way, or after `timeoutMs` with false. */
  drain(timeoutMs: number): Promise<boolean> {
    this.#isDraining = true
    for (const { reply } of this.#flights) {
      if (!reply.raw.headersSent) reply.raw.setHeader('connection', 'close')
    }
    if (this.#flights.length === 0) return Promise.resolve(true)
    return new Promise((resolve) => {
      const timer = this.#clock.setTimer(timeoutMs, () => resolve(false))
      this.#onIdle = () => {
        timer.cancel()
        resolve(true)
      }
    })
  }

  /** Stops the timer; for the end of the listener. */
  release(): void {
    this.#timer?.cancel()
  }

  #end(flight: Flight): void {
    if (!this.#remove(flight)) return
    if (flight.state === 'waiting') this.#waiting -= 1
    // Whatever still runs for it must not count again.
    flight.state = 'receiving'
    flight.abortWait?.()
    this.#bytes -= flight.bytes
    const { raw, request } = flight.reply
    // Of a socket that broke, too, the response says in the end that it is finished.
    const isDelivered = raw.writableFinished && !request.raw.socket.destroyed
    const status = isDelivered ? raw.statusCode : 0
    flight.counter?.count(status, this.#clock.monotonicMs() - flight.startedMs)
    if (this.#flights.length === 0) this.#onIdle?.()
  }

  #remove(flight: Flight): boolean {
    const { place } = flight
    const last = place < 0 ? undefined : this.#flights.pop()
    if (last === undefined) return false
    if (last !== flight) {
      last.place = place
      this.#flights[place] = last
    }
    flight.place = -1
    const ofSocket = this.#bySocket.get(flight.reply.request.raw.socket)
    // Replies go out in the order of the requests: it is the first.
    if (ofSocket?.[0] === flight) ofSocket.shift()
    else ofSocket?.splice(ofSocket.indexOf(flight), 1)
    return true
  }

  get #sweepMs(): number {
    return Math.ceil(this.#options.answerTimeoutMs / SWEEPS_PER_TIMEOUT)
  }

  #sweep(): void {
    const lateMs = this.#clock.monotonicMs() - this.#options.answerTimeoutMs
    this.#timer = undefined
    for (const flight of this.#flights) {
      if (flight.state !== 'working' || flight.reply.sent) continue
      if (flight.workingSinceMs <= lateMs) {
        const text = `no answer within ${this.#options.answerTimeoutMs} ms; it may yet take effect`
        flight.reply.send(new BrokerError('REQUEST_TIMED_OUT', text))
      } else {
        this.#timer ??= this.#clock.setTimer(this.#sweepMs, () => this.#sweep())
      }
    }
  }
}

const REPLY_SHARE = 4
const SWEEPS_PER_TIMEOUT = 4

const overloaded = (why: string): BrokerError =>
  new BrokerError('BROKER_OVERLOADED', why, { retryAfterMs: SECOND_MS })
