/**
 * Raw batches beside something else that is measured: at a fixed rate, each due at its time whatever the broker does, or
 * as fast as they are taken.
 */
import { LeanConnection } from './connection.ts'
import { publishRequest } from './requests.ts'

const SHAPE = { format: 'raw', batch: 100, valueBytes: 100, acks: 'leader' } as const
const CONNECTIONS = 16

export class Pusher {
  /** Records acknowledged so far. */
  published = 0
  readonly #request: Buffer
  readonly #intervalMs: number
  readonly #idle: LeanConnection[] = []
  readonly #all: LeanConnection[] = []
  readonly #timer: NodeJS.Timeout
  readonly #startMs = performance.now()
  #sent = 0

  /** Begins at once. Without a rate: as fast as they are taken. */
  static async open(port: number, topic: string, recordsPerSecond?: number): Promise<Pusher> {
    const pusher = new Pusher(topic, recordsPerSecond)
    for (let i = 0; i < CONNECTIONS; i += 1) await pusher.#connect(port)
    return pusher
  }

  private constructor(topic: string, recordsPerSecond = Number.POSITIVE_INFINITY) {
    this.#request = publishRequest(SHAPE, 0, topic)
    this.#intervalMs = (SHAPE.batch * 1_000) / recordsPerSecond
    this.#timer = setInterval(() => this.#sendDue(), 1)
  }

  close(): void {
    clearInterval(this.#timer)
    for (const connection of this.#all) connection.close()
  }

  async #connect(port: number): Promise<void> {
    const connection = await LeanConnection.open({
      port,
      onResponse: (status, body) => {
        if (status !== 200) throw new Error(`publishing: status ${status}: ${body.toString()}`)
        this.published += SHAPE.batch
        this.#idle.push(connection)
        this.#sendDue()
      },
      onFailure: (error) => {
        throw error
      },
    })
    this.#all.push(connection)
    this.#idle.push(connection)
  }

  #sendDue(): void {
    const elapsedMs = performance.now() - this.#startMs
    while (this.#sent * this.#intervalMs < elapsedMs || this.#intervalMs === 0) {
      const connection = this.#idle.pop()
      if (connection === undefined) return
      this.#sent += 1
      connection.send(this.#request)
    }
  }
}
