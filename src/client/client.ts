/** Everything of the client over one connection, which closes with it. */
import { Admin } from './admin.ts'
import { Connection, type ConnectionOptions } from './connection.ts'
import {
  Consumer,
  type ConsumerOptions,
  GroupConsumer,
  type GroupConsumerOptions,
} from './consumer/index.ts'
import { Delayed } from './delayed.ts'
import { Producer, type ProducerOptions } from './producer/index.ts'
import { DeadLetters, Receipts, Worker, type WorkerOptions } from './worker/index.ts'

interface Closable {
  close(): Promise<void>
}

export class Client {
  readonly connection: Connection
  readonly admin: Admin
  readonly deadLetters: DeadLetters
  /** Messages that wait for their time. */
  readonly delayed: Delayed
  /** For receipts from elsewhere; a worker settles its own. */
  readonly receipts: Receipts
  readonly #made: Closable[] = []
  #closed: Promise<void> | undefined

  /** Connects nowhere yet. Throws INVALID_REQUEST where `url` is not an http or https URL. */
  constructor(options: ConnectionOptions) {
    this.connection = new Connection(options)
    this.admin = new Admin(this.connection)
    this.deadLetters = new DeadLetters(this.connection)
    this.delayed = new Delayed(this.connection)
    this.receipts = new Receipts(this.connection)
  }

  producer(options: ProducerOptions = {}): Producer {
    return this.#keep(new Producer(this.connection, options))
  }

  /** Reads a topic from a place of its own choice. */
  consumer(options: ConsumerOptions): Consumer {
    return this.#keep(new Consumer(this.connection, options))
  }

  /** Reads as a member of a group, by offset. */
  groupConsumer(options: GroupConsumerOptions): GroupConsumer {
    return this.#keep(new GroupConsumer(this.connection, options))
  }

  /** Works through a group's messages one by one; begins with run() or start(). */
  worker(options: WorkerOptions): Worker {
    return this.#keep(new Worker(this.connection, options))
  }

  /** Closes what was made here, each as its own close() does, then the connection. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const closed = await Promise.allSettled(this.#made.map((each) => each.close()))
    await this.connection.close()
    for (const each of closed) if (each.status === 'rejected') throw each.reason
  }

  #keep<T extends Closable>(made: T): T {
    this.#made.push(made)
    return made
  }
}
