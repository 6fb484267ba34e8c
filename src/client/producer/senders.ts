/** Who called: one send(), or one sendBatch() with a share in each batch that its messages went to. */
import type { BrokerError } from '../../kernel/errors.ts'
import type { ProducerBatch, Share, Stored } from './batch.ts'
import type { BatchDelivery, DeliveredPosition, DeliveredRun, Delivery } from './message.ts'

export interface Sender {
  /** Notes that the message added to `batch` last is this caller's next one; `dueMs` where it is delayed. */
  added(batch: ProducerBatch, dueMs: number | undefined): void
  /** No more messages follow; with an error, those that were not added were given up. */
  completed(error?: BrokerError): void
}

type Resolve<T> = (value: T) => void
type Reject = (error: BrokerError) => void

let takenResolve: Resolve<Delivery>
let takenReject: Reject
/** One executor for all: a closure per message would cost as much as encoding it. */
const take = (resolve: Resolve<Delivery>, reject: Reject): void => {
  takenResolve = resolve
  takenReject = reject
}

export class SingleSender implements Sender, Share {
  readonly promise: Promise<Delivery>
  readonly #resolve: Resolve<Delivery>
  readonly #reject: Reject
  #index = 0
  #dueMs: number | undefined

  constructor() {
    this.promise = new Promise(take)
    this.#resolve = takenResolve
    this.#reject = takenReject
  }

  added(batch: ProducerBatch, dueMs: number | undefined): void {
    this.#index = batch.count - 1
    this.#dueMs = dueMs
    batch.shares.push(this)
  }

  completed(error?: BrokerError): void {
    if (error !== undefined) this.#reject(error)
  }

  stored({ topic, partition, offset, timestamp, durability }: Stored): void {
    const at = offset < 0 ? offset : offset + this.#index
    const deliverAt = this.#dueMs
    // Two whole literals: a spread of one into the other cost as much as all the rest of a send().
    if (deliverAt === undefined) {
      this.#resolve({ topic, partition, offset: at, timestamp, durability })
    } else {
      const delayed = true
      this.#resolve({ topic, partition, offset: at, timestamp, durability, delayed, deliverAt })
    }
  }

  failed(error: BrokerError): void {
    this.#reject(error)
  }
}

/** Messages of one sendBatch() side by side in one batch. */
class Run implements Share {
  readonly #sender: BatchSender
  readonly index: number
  readonly #first: number
  count = 0
  delivered: DeliveredRun | undefined

  constructor(sender: BatchSender, index: number, first: number) {
    this.#sender = sender
    this.index = index
    this.#first = first
  }

  belongsTo(sender: BatchSender): boolean {
    return this.#sender === sender
  }

  stored({ topic, partition, offset, timestamp, delayed }: Stored): void {
    const first = offset < 0 ? offset : offset + this.#first
    const run = { topic, partition, offset: first, count: this.count, timestamp }
    this.delivered = delayed ? { delayed, ...run } : run
    this.#sender.settled()
  }

  failed(error: BrokerError): void {
    this.#sender.settled(error)
  }
}

export class BatchSender implements Sender {
  readonly promise: Promise<BatchDelivery>
  #resolve: Resolve<BatchDelivery> | undefined
  #reject: Reject | undefined
  readonly #runs: Run[] = []
  readonly #runOfMessage: Uint32Array
  #added = 0
  /** Runs not settled yet, and one more until all messages were added. */
  #left = 1
  #error: BrokerError | undefined

  constructor(messages: number) {
    this.#runOfMessage = new Uint32Array(messages)
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  added(batch: ProducerBatch): void {
    const last = batch.shares.at(-1)
    let run = last instanceof Run && last.belongsTo(this) ? last : undefined
    if (run === undefined) {
      run = new Run(this, this.#runs.length, batch.count - 1)
      this.#runs.push(run)
      batch.shares.push(run)
      this.#left += 1
    }
    run.count += 1
    this.#runOfMessage[this.#added] = run.index
    this.#added += 1
  }

  completed(error?: BrokerError): void {
    this.settled(error)
  }

  /** The promise waits for all: when it is rejected, by the first error, nothing of the call is under way. */
  settled(error?: BrokerError): void {
    this.#error ??= error
    this.#left -= 1
    if (this.#left > 0) return
    if (this.#error === undefined) {
      this.#resolve?.(new DeliveredBatch(this.#runs.map(deliveredOf), this.#runOfMessage))
    } else this.#reject?.(this.#error)
  }
}

const deliveredOf = ({ delivered }: Run): DeliveredRun => delivered as DeliveredRun

class DeliveredBatch implements BatchDelivery {
  readonly runs: readonly DeliveredRun[]
  readonly #runOfMessage: Uint32Array

  constructor(runs: readonly DeliveredRun[], runOfMessage: Uint32Array) {
    this.runs = runs
    this.#runOfMessage = runOfMessage
  }

  get count(): number {
    return this.#runOfMessage.length
  }

  positions(): DeliveredPosition[] {
    const next = this.runs.map(({ offset }) => offset)
    return Array.from(this.#runOfMessage, (index) => {
      const { topic, partition, delayed } = this.runs[index] as DeliveredRun
      const offset = next[index] as number
      next[index] = offset < 0 ? offset : offset + 1
      return { topic, partition, offset, ...(delayed && { delayed }) }
    })
  }
}
