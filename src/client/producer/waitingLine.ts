/** Calls that wait for room in the buffer or for a topic's description: in turn, bounded in number and in time. */
import type { BrokerError } from '../../kernel/errors.ts'
import type { Timer } from '../../kernel/platform.ts'
import type { Flush } from './flush.ts'
import type { Message } from './message.ts'
import type { ProducerSettings } from './options.ts'
import type { Sender } from './senders.ts'

export interface Call {
  readonly sender: Sender
  readonly messages: readonly Message[]
  /** Wall-clock time of the call: delays count from it. */
  readonly calledMs: number
  /** The first message that is not in yet. */
  next: number
  flushes?: Flush[]
  sinceMs?: number
}

export interface LineEvents {
  /** The call waited as long as it may and is out of the line. */
  expired(call: Call): void
}

/** Slots of calls that are gone are given back in one go. */
const COMPACT_FROM = 1024

export class WaitingLine {
  readonly #settings: ProducerSettings
  readonly #events: LineEvents
  readonly #calls: (Call | undefined)[] = []
  #head = 0
  #timer: Timer | undefined

  constructor(settings: ProducerSettings, events: LineEvents) {
    this.#settings = settings
    this.#events = events
  }

  get isEmpty(): boolean {
    return this.#head === this.#calls.length
  }

  get isSingle(): boolean {
    return this.#calls.length - this.#head === 1
  }

  get first(): Call | undefined {
    return this.#calls[this.#head]
  }

  /** False where the line is full. */
  push(call: Call): boolean {
    const { clock, waitersMax } = this.#settings
    if (this.#calls.length - this.#head >= waitersMax) return false
    call.sinceMs = clock.monotonicMs()
    this.#calls.push(call)
    if (this.isSingle) this.#arm()
    return true
  }

  /** The first call is in. */
  shift(): void {
    this.#leave()
    if (this.isEmpty) this.#timer?.cancel()
  }

  joinFlush(flush: Flush): void {
    for (const call of this.#waiting()) {
      call.flushes ??= []
      call.flushes.push(flush)
      flush.enter()
    }
  }

  abandon(error: BrokerError): void {
    for (const call of this.#waiting()) {
      call.sender.completed(error)
      this.#leave()
    }
    this.#timer?.cancel()
  }

  close(): void {
    this.#timer?.cancel()
  }

  #waiting(): Call[] {
    return this.#calls.slice(this.#head) as Call[]
  }

  #leave(): void {
    const call = this.first
    this.#calls[this.#head] = undefined
    this.#head += 1
    if (this.#head >= COMPACT_FROM || this.isEmpty) {
      this.#calls.splice(0, this.#head)
      this.#head = 0
    }
    for (const flush of call?.flushes ?? []) flush.leave()
  }

  #arm(): void {
    const { clock, maxBlockMs } = this.#settings
    const first = this.first
    if (first === undefined) return
    const leftMs = (first.sinceMs ?? 0) + maxBlockMs - clock.monotonicMs()
    this.#timer = clock.setTimer(Math.max(0, leftMs), this.#expire)
  }

  readonly #expire = (): void => {
    const { clock, maxBlockMs } = this.#settings
    const nowMs = clock.monotonicMs()
    for (let call = this.first; call !== undefined; call = this.first) {
      if ((call.sinceMs ?? 0) + maxBlockMs > nowMs) break
      this.#leave()
      this.#events.expired(call)
    }
    this.#arm()
  }
}
