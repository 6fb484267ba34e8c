/**
 * The producer: takes messages, gathers them per partition, delivers each batch once and in order.
 *
 *   send() -> [waiting line] -> accumulator -> window -> broker
 *
 * The waiting line is for calls that cannot go in at once, because the buffer is full or a topic is not known yet.
 * It is first come, first served, so that the order of calls is the order in each partition.
 */
import { BrokerError } from '../../kernel/errors.ts'
import { asBrokerError } from '../asBrokerError.ts'
import type { Asker } from '../connection.ts'
import { Accumulator, type AccumulatorHost } from './accumulator.ts'
import { hasWhen } from './due.ts'
import { Flush } from './flush.ts'
import { type BatchDelivery, type Delivery, type Message, messageProblem } from './message.ts'
import { type ProducerOptions, type ProducerSettings, producerSettings } from './options.ts'
import { BatchSender, type Sender, SingleSender } from './senders.ts'
import { type Call, WaitingLine } from './waitingLine.ts'

export class Producer {
  readonly #settings: ProducerSettings
  readonly #accumulator: Accumulator
  readonly #line: WaitingLine
  #flushing = 0
  #isDraining = false
  #closing: Promise<void> | undefined

  /** Asks the broker nothing yet. The connection stays the caller's to close. Throws INVALID_CONFIG. */
  constructor(connection: Asker, options: ProducerOptions = {}) {
    this.#settings = producerSettings(options)
    this.#line = new WaitingLine(this.#settings, {
      expired: (call) => this.#expire(call),
    })
    this.#accumulator = new Accumulator(connection, this.#settings, this.#host())
  }

  /** Bytes held for messages that are not delivered yet; never more than `bufferBytes`. */
  get bufferedBytes(): number {
    return this.#accumulator.heldBytes
  }

  /**
   * Resolves when the message is stored as `acks` asks: in its partition, or in the partition's delay log where it is
   * delayed. Messages of one partition are stored in the order of their calls, each once; delayed ones by themselves.
   *
   * Rejects with REQUEST_TIMED_OUT where it was not delivered in time, OUTCOME_UNKNOWN where it may have been
   * stored all the same, BUFFER_FULL where there was no room in time, CLIENT_CLOSED after close(), and with what
   * the broker says of it: TOPIC_NOT_FOUND, PARTITION_NOT_FOUND, RECORD_TOO_LARGE, …
   */
  send(message: Message): Promise<Delivery> {
    const sender = new SingleSender()
    const problem = this.#problem() ?? messageProblem(message)
    if (problem !== undefined) sender.completed(problem)
    else if (this.#line.isEmpty) this.#sendAtOnce(message, sender)
    else this.#wait(this.#callOf([message], sender))
    return sender.promise
  }

  /**
   * One promise for many messages, at a fraction of the cost of one each. Resolves when all are stored, with where.
   * A message that is wrong in itself rejects the call before anything of it is sent. Otherwise as {@link send};
   * when it rejects nothing of it is under way any more, and some of it may be stored.
   */
  sendBatch(messages: readonly Message[]): Promise<BatchDelivery> {
    const sender = new BatchSender(messages.length)
    const problem = this.#problem() ?? firstProblem(messages)
    const call = this.#callOf(messages, sender)
    if (problem !== undefined) sender.completed(problem)
    else if (!this.#line.isEmpty || !this.#advance(call)) this.#wait(call)
    return sender.promise
  }

  /** Sends what has gathered without waiting for company. Resolves when everything accepted before is settled. */
  async flush(): Promise<void> {
    const flush = new Flush()
    this.#flushing += 1
    for (const queue of this.#accumulator.queues) queue.joinFlush(flush)
    this.#line.joinFlush(flush)
    flush.leave()
    this.#accumulator.press()
    await flush.done
    this.#flushing -= 1
  }

  /**
   * Takes nothing more and delivers what it has. Resolves when every call is settled; after `timeoutMs`
   * (default: until the delivery timeouts) what is left is rejected with CLIENT_CLOSED or, where it may have been
   * stored, OUTCOME_UNKNOWN.
   */
  close({ timeoutMs }: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(timeoutMs)
    return this.#closing
  }

  async #close(timeoutMs: number | undefined): Promise<void> {
    const timer =
      timeoutMs === undefined
        ? undefined
        : this.#settings.clock.setTimer(timeoutMs, () => this.#abandon())
    await this.flush()
    timer?.cancel()
    this.#line.close()
    this.#accumulator.close()
  }

  #abandon(): void {
    const error = new BrokerError('CLIENT_CLOSED', 'the producer was closed before the delivery')
    this.#line.abandon(error)
    this.#accumulator.abandon(error)
  }

  #host(): AccumulatorHost {
    const producer = this
    return {
      get isAwaited() {
        return !producer.#line.isEmpty
      },
      get isFlushing() {
        return producer.#flushing > 0
      },
      roomy: () => this.#drain(),
    }
  }

  #problem(): BrokerError | undefined {
    if (this.#closing === undefined) return undefined
    return new BrokerError('CLIENT_CLOSED', 'the producer is closed')
  }

  #callOf(messages: readonly Message[], sender: Sender): Call {
    return { sender, messages, calledMs: this.#settings.clock.nowMs(), next: 0 }
  }

  #sendAtOnce(message: Message, sender: SingleSender): void {
    try {
      const nowMs = hasWhen(message) ? this.#settings.clock.nowMs() : 0
      if (typeof this.#accumulator.add(message, sender, nowMs) !== 'string') return
    } catch (error) {
      sender.completed(asBrokerError(error))
      return
    }
    this.#wait(this.#callOf([message], sender))
  }

  /** Adds what still goes in of the call; true where nothing of it is left. */
  #advance(call: Call): boolean {
    const { messages, sender, calledMs } = call
    try {
      while (call.next < messages.length) {
        const added = this.#accumulator.add(messages[call.next] as Message, sender, calledMs)
        if (typeof added === 'string') return false
        if (call.flushes !== undefined) for (const flush of call.flushes) added.join(flush)
        call.next += 1
      }
      sender.completed()
    } catch (error) {
      sender.completed(asBrokerError(error))
    }
    return true
  }

  #wait(call: Call): void {
    if (!this.#line.push(call)) {
      const message = `${this.#settings.waitersMax} calls wait already`
      call.sender.completed(new BrokerError('BUFFER_FULL', message))
      return
    }
    // What builds holds room that somebody now waits for.
    if (this.#line.isSingle) this.#accumulator.press()
  }

  /** Lets in who waits, in turn, until one has to wait on. */
  #drain(): void {
    if (this.#isDraining) return
    this.#isDraining = true
    for (let call = this.#line.first; call !== undefined; call = this.#line.first) {
      if (!this.#advance(call)) break
      this.#line.shift()
    }
    this.#isDraining = false
  }

  #expire({ sender }: Call): void {
    const { maxBlockMs } = this.#settings
    const { isLoading, lastError: cause } = this.#accumulator.topics
    if (!isLoading) {
      const message = `no room in the buffer within ${maxBlockMs} ms`
      sender.completed(new BrokerError('BUFFER_FULL', message))
      return
    }
    const why = cause === undefined ? '' : `: ${cause.message}`
    const message = `no description of the topic within ${maxBlockMs} ms${why}`
    sender.completed(new BrokerError('REQUEST_TIMED_OUT', message, { cause }))
  }
}

function firstProblem(messages: readonly Message[]): BrokerError | undefined {
  for (let i = 0; i < messages.length; i += 1) {
    const problem = messageProblem(messages[i] as Message)
    if (problem === undefined) continue
    const fields = { [`messages[${i}]`]: problem.message }
    return new BrokerError(problem.code, `messages[${i}]: ${problem.message}`, { fields })
  }
  return undefined
}
