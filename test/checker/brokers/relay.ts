/**
 * A way to the broker that stays where it is while the broker dies and comes back elsewhere, and that can be made a bad
 * one: bytes late, few at a time, or cut off anywhere. It knows nothing of what the bytes mean.
 *
 *   client <──> relay <──> broker       one connection on each side for each of the client's
 */
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { SeededRandom } from '../../support/random.ts'

const HOST = '127.0.0.1'

export interface Weather {
  /** Each chunk waits up to so long, in milliseconds. */
  readonly delayMsMax: number
  /** Chunks are cut to so many bytes, each of which waits as above. */
  readonly chunkBytesMax: number
  /** Of the chunks, how many are the last of their connection; a part of them still arrives. */
  readonly cutShare: number
}

export class Relay {
  /** The broker's port; undefined while it is down. */
  target: number | undefined
  /** Undefined: as good as it gets. */
  weather: Weather | undefined
  readonly random: SeededRandom
  readonly #server: Server
  readonly #links = new Set<Link>()

  private constructor(random: SeededRandom) {
    this.random = random
    this.#server = createServer((client) => {
      if (this.target === undefined) {
        client.on('error', () => undefined)
        client.destroy()
        return
      }
      const link = new Link(this, client, connect(this.target, HOST))
      this.#links.add(link)
      link.onEnd(() => this.#links.delete(link))
    })
  }

  static async start(random: SeededRandom): Promise<Relay> {
    const relay = new Relay(random)
    await new Promise<void>((resolve) => relay.#server.listen(0, HOST, resolve))
    return relay
  }

  get url(): string {
    const address = this.#server.address()
    return `http://${HOST}:${typeof address === 'object' ? address?.port : ''}`
  }

  /** Ends connections, each with that probability. */
  cut(share = 1): void {
    for (const link of [...this.#links]) if (this.random.chance(share)) link.end()
  }

  async close(): Promise<void> {
    this.target = undefined
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

class Link {
  readonly #sockets: readonly [Socket, Socket]

  constructor(relay: Relay, client: Socket, broker: Socket) {
    this.#sockets = [client, broker]
    for (const socket of this.#sockets) {
      socket.setNoDelay(true)
      socket.on('error', () => this.end())
      socket.on('close', () => this.end())
    }
    pipe(relay, client, broker, () => this.end())
    pipe(relay, broker, client, () => this.end())
  }

  onEnd(listener: () => void): void {
    this.#sockets[0].on('close', listener)
  }

  end(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}

/** Carries what comes from one to the other, in its order, in whatever weather there is. */
function pipe(relay: Relay, from: Socket, to: Socket, cut: () => void): void {
  let carried = Promise.resolve()
  let waiting = 0
  from.on('end', () => void carried.then(() => to.end()))
  from.on('data', (chunk: Buffer) => {
    if (relay.weather === undefined && waiting === 0) {
      if (!to.destroyed && !to.writableEnded) to.write(chunk)
      return
    }
    waiting += 1
    carried = carried.then(async () => {
      await carry(relay, chunk, to, cut)
      waiting -= 1
    })
  })
}

async function carry(relay: Relay, chunk: Buffer, to: Socket, cut: () => void): Promise<void> {
  for (let at = 0; at < chunk.length && !to.destroyed; ) {
    const { weather, random } = relay
    const bytes = Math.min(weather?.chunkBytesMax ?? chunk.length, chunk.length - at)
    const part = chunk.subarray(at, at + bytes)
    at += bytes
    if (weather !== undefined && random.chance(weather.cutShare)) {
      to.write(part.subarray(0, random.int(bytes)), cut)
      return
    }
    if (weather !== undefined) await wait(random.int(weather.delayMsMax + 1))
    if (!to.destroyed && !to.writableEnded) to.write(part)
  }
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
