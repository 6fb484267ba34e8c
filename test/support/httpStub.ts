/** A listener on a free port with a real broker over memory behind it, and a way to ask it. */
import { Broker, type BrokerPort } from '../../src/broker/index.ts'
import { type Clock, type Platform, silentLogger } from '../../src/kernel/platform.ts'
import { systemClock } from '../../src/kernel/systemClock.ts'
import {
  HttpListener,
  type HttpListenerOptions,
  type HttpListenerParts,
} from '../../src/listeners/http/index.ts'
import { memoryEngine } from '../../src/log/index.ts'
import { SeededRandom } from './random.ts'

export interface HttpStubSetup {
  readonly http?: Partial<HttpListenerOptions>
  readonly parts?: Partial<HttpListenerParts>
  readonly clock?: Clock
  /** In front of the broker: to hold calls up, or to make them fail. */
  readonly wrap?: (broker: Broker) => BrokerPort
}

export interface Asked {
  readonly json?: unknown
  readonly body?: Exclude<RequestInit['body'], null | undefined>
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: Answer
}

/** Any JSON: tests look into it freely. */
export type Answer = Readonly<Record<string, unknown>>

export interface HttpStub {
  readonly broker: Broker
  readonly listener: HttpListener
  readonly port: number
  ask(method: string, path: string, asked?: Asked): Promise<Answered>
  /** The broker's and the listener's end. */
  stop(): Promise<void>
}

export async function startHttpStub(setup: HttpStubSetup = {}): Promise<HttpStub> {
  const clock = setup.clock ?? systemClock
  const platform: Platform = { clock, random: new SeededRandom(1).next, logger: silentLogger }
  const broker = new Broker({ engine: memoryEngine(platform), platform })
  await broker.start()
  const listener = new HttpListener({
    broker: setup.wrap?.(broker) ?? broker,
    platform,
    build: { version: '1.2.3', gitCommit: 'abc' },
    health: () => broker.health(),
    ...setup.parts,
    options: { port: 0, ...setup.http },
  })
  await listener.start()
  const port = listener.address?.port ?? 0
  return {
    ...{ broker, listener, port },
    ask: (method, path, asked) => ask(`http://127.0.0.1:${port}${path}`, method, asked),
    stop: async () => {
      await listener.stop()
      await broker.stop()
    },
  }
}

async function ask(url: string, method: string, asked: Asked = {}): Promise<Answered> {
  const { json, body, headers, signal } = asked
  const sent = json === undefined ? body : JSON.stringify(json)
  const response = await fetch(url, {
    method,
    headers: { ...(json === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(sent === undefined ? {} : { body: sent }),
    ...(signal === undefined ? {} : { signal }),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson && text !== '' ? (JSON.parse(text) as Answer) : {},
  }
}
