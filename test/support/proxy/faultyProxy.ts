/**
 * A way to the broker on which everything goes wrong that can: requests and replies are delayed, cut off, lost,
 * repeated, by the seed (see fates.ts).
 *
 *   client --Link--> broker      one connection on each side, requests and replies in order
 *          --copy-->             a repeated request on a connection of its own; nobody hears the answer
 *
 * The broker may go and come back elsewhere: `target` says where it is, undefined while it is down.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { SeededRandom } from '../random.ts'
import { type Fate, type FateShares, Fates } from './fates.ts'
import { HttpFramer } from './httpFramer.ts'

const DELAY_MS_MAX = 20
/** Copies come while the original is under way, or when the client has long gone on. */
const COPY_DELAYS_MS = [0, 2, 20, 300] as const
const COPIES_MAX = 2
const HOST = '127.0.0.1'

export class FaultyProxy {
  readonly fates: Fates
  readonly random: SeededRandom
  /** The broker's port. */
  target: number | undefined
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #copies = new Set<Promise<void>>()

  private constructor(shares: FateShares, random: SeededRandom) {
    this.random = random
    this.fates = new Fates(shares, random)
    this.#server = createServer((client) => {
      const upstream = this.open()
      if (upstream === undefined) client.destroy()
      else new Link(this, this.kept(client), upstream)
    })
  }

  static async start(shares: FateShares, random: SeededRandom): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(shares, random)
    await new Promise<void>((resolve) => proxy.#server.listen(0, HOST, resolve))
    return proxy
  }

  get url(): string {
    const address = this.#server.address()
    return `http://${HOST}:${typeof address === 'object' ? address?.port : ''}`
  }

  /** A connection to the broker; undefined while it is down. */
  open(): Socket | undefined {
    return this.target === undefined ? undefined : this.kept(connect(this.target, HOST))
  }

  kept(socket: Socket): Socket {
    this.#sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    return socket
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms))
  }

  /** The broker is gone, with every connection. */
  lose(): void {
    this.target = undefined
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Sends the request again, once or twice, a while later. */
  repeat(request: Buffer): void {
    for (let left = this.random.between(1, COPIES_MAX); left > 0; left -= 1) {
      const copy = this.#copy(request, this.random.pick(COPY_DELAYS_MS))
      this.#copies.add(copy)
      void copy.then(() => this.#copies.delete(copy))
    }
  }

  /** Resolves when every copy has arrived or is lost. */
  async settled(): Promise<void> {
    await Promise.all(this.#copies)
  }

  async close(): Promise<void> {
    await this.settled()
    this.lose()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #copy(request: Buffer, delayMs: number): Promise<void> {
    await this.pause(delayMs)
    const socket = this.open()
    if (socket === undefined) return
    await new Promise((resolve) => {
      socket.on('close', resolve)
      socket.on('data', () => socket.destroy())
      socket.write(request)
    })
  }
}

class Link {
  readonly #proxy: FaultyProxy
  readonly #client: Socket
  readonly #upstream: Socket
  /** Of the requests that are not answered yet. */
  readonly #fates: Fate[] = []
  #requests: Promise<void> = Promise.resolve()
  #replies: Promise<void> = Promise.resolve()
  #isStalled = false

  constructor(proxy: FaultyProxy, client: Socket, upstream: Socket) {
    this.#proxy = proxy
    this.#client = client
    this.#upstream = upstream
    const requests = new HttpFramer()
    client.on('data', (chunk) => {
      for (const message of requests.push(chunk)) {
        this.#requests = this.#requests.then(() => this.#request(message))
      }
    })
    const replies = new HttpFramer()
    upstream.on('data', (chunk) => {
      for (const message of replies.push(chunk)) {
        this.#replies = this.#replies.then(() => this.#reply(message))
      }
    })
    client.on('close', () => upstream.end())
    upstream.on('close', () => this.#isStalled || client.destroy())
  }

  async #request(message: Buffer): Promise<void> {
    if (this.#client.destroyed || this.#isStalled) return
    const fate = this.#proxy.fates.next()
    if (fate === 'cutBefore') return this.#cut()
    if (fate === 'delay') await this.#delay()
    if (fate === 'repeat') this.#proxy.repeat(message)
    const bytes =
      fate === 'cutWithin' ? this.#proxy.random.between(1, message.length - 1) : message.length
    if (!this.#upstream.writableEnded) this.#upstream.write(message.subarray(0, bytes))
    if (fate === 'cutWithin' || fate === 'cutAfter') return this.#cut()
    this.#fates.push(fate)
  }

  async #reply(message: Buffer): Promise<void> {
    const fate = this.#fates.shift()
    if (fate === 'stall') this.#isStalled = true
    if (this.#client.destroyed || this.#isStalled) return
    if (fate === 'dropReply') return this.#cut()
    if (fate === 'delayReply') await this.#delay()
    if (fate !== 'cutReply') this.#client.write(message)
    else this.#client.end(message.subarray(0, this.#proxy.random.int(message.length)))
  }

  #delay(): Promise<void> {
    return this.#proxy.pause(this.#proxy.random.int(DELAY_MS_MAX))
  }

  /** What was written to the broker still arrives. */
  #cut(): void {
    this.#client.destroy()
    this.#upstream.end()
  }
}
