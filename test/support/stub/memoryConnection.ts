/**
 * A connection to a {@link StubBroker} without sockets, on the stub's own clock: whole runs with faults take
 * milliseconds and repeat from their seed. Bytes are copied both ways, as a network would.
 */
import type { Answer, Ask, Asker } from '../../../src/client/connection.ts'
import { errorOfReply } from '../../../src/client/transportErrors.ts'
import { BrokerError } from '../../../src/kernel/errors.ts'
import type { StubBroker } from './broker.ts'
import { Cut, type StubReply, type StubRequest } from './exchange.ts'

export interface MemoryConnectionOptions {
  /** Requests of one lane arrive one after the other, as over one connection. Default true. */
  readonly ordered?: boolean
}

export class MemoryConnection implements Asker {
  readonly #broker: StubBroker
  readonly #ordered: boolean
  readonly #lanes = new Map<number, Promise<unknown>>()
  /** Requests without an answer yet. */
  underWay = 0

  constructor(broker: StubBroker, { ordered = true }: MemoryConnectionOptions = {}) {
    this.#broker = broker
    this.#ordered = ordered
  }

  async ask(ask: Ask): Promise<Answer> {
    this.underWay += 1
    try {
      const { status, headers = {}, body } = await this.#exchange(ask)
      const bytes = Buffer.from(body)
      if (status < 400 || ask.alsoAnswers?.includes(status)) return { status, headers, body: bytes }
      const retryAfter = headers['retry-after']
      throw errorOfReply({ status, url: ask.path, body: bytes.toString(), retryAfter })
    } finally {
      this.underWay -= 1
    }
  }

  #exchange(ask: Ask): Promise<StubReply> {
    return this.#inLane(ask.lane, () => this.#attempt(ask))
  }

  async #attempt(ask: Ask): Promise<StubReply> {
    const left = new AbortController()
    const lost = ask.method === 'GET' ? 'CONNECTION_FAILED' : 'OUTCOME_UNKNOWN'
    return await new Promise((resolve, reject) => {
      const end = (code: 'CONNECTION_FAILED' | 'OUTCOME_UNKNOWN' | 'CANCELLED'): void => {
        timer?.cancel()
        ask.signal?.removeEventListener('abort', cancelled)
        left.abort()
        reject(new BrokerError(code, `no answer: ${code}`))
      }
      const cancelled = (): void => end('CANCELLED')
      const timeoutMs = ask.timeoutMs ?? 30_000 + (ask.waitMs ?? 0)
      const timer = this.#broker.clock.setTimer(timeoutMs, () => end(lost))
      if (ask.signal?.aborted) {
        cancelled()
        return
      }
      ask.signal?.addEventListener('abort', cancelled)
      this.#broker.handle(requestOf(ask, left.signal)).then(
        (reply) => {
          timer.cancel()
          ask.signal?.removeEventListener('abort', cancelled)
          resolve(reply)
        },
        (error: unknown) => (error instanceof Cut ? end(lost) : reject(error)),
      )
    })
  }

  #inLane<T>(lane: number | undefined, work: () => Promise<T>): Promise<T> {
    if (lane === undefined || !this.#ordered) return work()
    const done = (this.#lanes.get(lane) ?? Promise.resolve()).then(work, work)
    this.#lanes.set(lane, done)
    return done
  }
}

function requestOf({ method, path, query = {}, json, raw }: Ask, signal: AbortSignal): StubRequest {
  const url = new URL(path, 'http://stub')
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value))
  }
  const body = raw ? Buffer.from(raw.bytes) : Buffer.from(json ? JSON.stringify(json) : '')
  return { method, path: url.pathname, query: url.searchParams, body, signal }
}
