/** The way to one broker: a pool of HTTP connections, JSON and raw bodies, typed errors. */
import { Pool } from 'undici'
import { BrokerError } from '../kernel/errors.ts'
import { SECOND_MS } from '../kernel/units.ts'
import { type Download, download } from './download.ts'
import { exchange } from './exchange.ts'
import { Lanes } from './lanes.ts'
import { errorOfExchange, errorOfReply } from './transportErrors.ts'

export interface ConnectionOptions {
  /** Where the broker listens, with a path where it stands behind one: `http://127.0.0.1:8080`. */
  readonly url: string
  /** For a broker that asks for one. Rejections are UNAUTHORIZED without it, or where it is not known there. */
  readonly apiKey?: string | undefined
  /** Certificates, in PEM, that an https URL is checked against, instead of those that Node brings. */
  readonly ca?: string | undefined
  /** Longest wait for a connection, in milliseconds; default 5,000. */
  readonly connectTimeoutMs?: number
  /** Longest wait for a reply, in milliseconds, long polls not counted; default 30,000. */
  readonly timeoutMs?: number
  /** Connections at once; each waiting long poll holds one. Default 128. */
  readonly connectionsMax?: number
  /** Connections for requests that keep an order, such as a producer's batches; default 4. */
  readonly lanesMax?: number
}

export type Query = Readonly<Record<string, string | number | undefined>>

export interface Ask {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Encoded; see {@link pathOf}. */
  readonly path: string
  readonly query?: Query
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as it is, with its content type. */
  readonly raw?: { readonly bytes: Uint8Array; readonly contentType: string }
  readonly accept?: string
  readonly signal?: AbortSignal | undefined
  /** How long the broker may hold the request back before it answers, in milliseconds: a long poll. */
  readonly waitMs?: number | undefined
  /** Longest wait for the reply, in milliseconds; default the connection's, with `waitMs` on top. */
  readonly timeoutMs?: number | undefined
  /**
   * Requests of one lane (any number from 0) reach the broker in the order of their calls, several at once. For
   * requests that may be repeated only: they are, where a connection breaks. Takes no `signal`.
   */
  readonly lane?: number | undefined
  /** Statuses from 400 on that are answers, not errors. */
  readonly alsoAnswers?: readonly number[]
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

/** What producer and consumers need of a connection. */
export interface Asker {
  /** As {@link Connection.ask}. */
  ask(ask: Ask): Promise<Answer>
}

export interface Access {
  readonly apiKey: string | undefined
  readonly ca: string | undefined
}

const DEFAULTS = {
  connectTimeoutMs: 5 * SECOND_MS,
  timeoutMs: 30 * SECOND_MS,
  connectionsMax: 128,
  lanesMax: 4,
}
/** Requests under way at once on the connection of a lane. */
const LANE_PIPELINING = 64

/** `topics/orders` of `'topics', 'orders'`, each part encoded. */
export const pathOf = (...parts: readonly (string | number)[]): string =>
  parts.map((part) => `/${encodeURIComponent(part)}`).join('')

export class Connection implements Asker {
  /** As it was given, without a slash at its end. */
  readonly url: string
  /** What opens the broker's door, for those who have to go there by themselves. */
  readonly access: Access
  readonly #pool: Pool
  readonly #lanes: Lanes
  readonly #basePath: string
  readonly #timeoutMs: number
  readonly #authorization: Readonly<Record<string, string>>

  /** Connects nowhere yet. Throws INVALID_REQUEST where `url` or `apiKey` are not what they should be. */
  constructor(options: ConnectionOptions) {
    const url = parseUrl(options.url)
    const { apiKey, ca } = options
    const { connectTimeoutMs, timeoutMs, connectionsMax, lanesMax } = { ...DEFAULTS, ...options }
    this.url = options.url.replace(/\/+$/, '')
    this.#basePath = url.pathname.replace(/\/+$/, '')
    this.#timeoutMs = timeoutMs
    this.access = { apiKey, ca }
    this.#authorization = authorizationOf(apiKey)
    const connect = { timeout: connectTimeoutMs, ...(ca === undefined ? {} : { ca }) }
    this.#pool = new Pool(url.origin, {
      connections: connectionsMax,
      connect,
    })
    this.#lanes = new Lanes({
      origin: url.origin,
      count: lanesMax,
      pipelining: LANE_PIPELINING,
      connect,
    })
  }

  /** The JSON body of the answer; errors as {@link Connection.ask} has them. */
  async askJson(ask: Ask): Promise<unknown> {
    const { body, status } = await this.ask(ask)
    try {
      return JSON.parse(body.toString()) as unknown
    } catch (cause) {
      const message = `${this.url}${ask.path} answered ${status} with no JSON: is it a goqueue broker?`
      throw new BrokerError('UNKNOWN', message, { cause })
    }
  }

  /**
   * One exchange. Rejects with the broker's own BrokerError by its code; with CONNECTION_FAILED,
   * REQUEST_TIMED_OUT or OUTCOME_UNKNOWN where there was no answer; with CANCELLED where `signal` aborted.
   */
  async ask(ask: Ask): Promise<Answer> {
    const { statusCode: status, headers, body } = await this.#exchange(ask)
    if (status < 400 || ask.alsoAnswers?.includes(status)) return { status, headers, body }
    throw errorOfReply({
      status,
      url: this.url + ask.path,
      body: body.toString(),
      retryAfter: one(headers['retry-after']),
    })
  }

  /** A reply that is handed on as it comes. Resolves when it begins; rejects as {@link Connection.ask} does. */
  download(path: string, signal?: AbortSignal): Promise<Download> {
    return download({
      dispatcher: this.#pool,
      origin: this.url,
      path: this.#basePath + path,
      signal,
      headers: this.#authorization,
      timeoutMs: this.#timeoutMs,
    })
  }

  async #exchange(ask: Ask) {
    const method = ask.method
    const path = this.#basePath + ask.path + queryText(ask.query)
    const timeoutMs = ask.timeoutMs ?? this.#timeoutMs + (ask.waitMs ?? 0)
    const content = contentOf(ask, this.#authorization)
    try {
      if (ask.lane !== undefined) {
        return await this.#lanes.request(ask.lane, { method, path, timeoutMs, ...content })
      }
      const limits = { headersTimeout: timeoutMs, bodyTimeout: this.#timeoutMs }
      return await exchange(this.#pool, { method, path, ...limits, ...content }, ask.signal)
    } catch (error) {
      throw errorOfExchange({
        error,
        origin: this.url,
        changes: ask.method !== 'GET',
        aborted: ask.signal?.aborted === true,
      })
    }
  }

  /** Lets requests under way end, then closes every connection. */
  async close(): Promise<void> {
    await Promise.all([this.#pool.close(), this.#lanes.close()])
  }
}

type Headers = Readonly<Record<string, string>>

function contentOf({ json, raw, accept = 'application/json' }: Ask, authorization: Headers) {
  const headers = { accept, ...authorization }
  if (raw !== undefined) {
    return { headers: { 'content-type': raw.contentType, ...headers }, body: raw.bytes }
  }
  if (json === undefined) return { headers }
  return {
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(json),
  }
}

/** A key that no header can carry would be refused in the middle of a request, and shown there. */
function authorizationOf(apiKey: string | undefined): Headers {
  if (apiKey === undefined) return {}
  if (/^[\x21-\x7e]+$/.test(apiKey)) return { authorization: `Bearer ${apiKey}` }
  throw new BrokerError('INVALID_REQUEST', 'the API key holds spaces or signs that no key has')
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
  throw new BrokerError('INVALID_REQUEST', `not an http or https URL: ${text}`)
}

function queryText(query: Query = {}): string {
  const parts = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  )
  return parts.length === 0 ? '' : `?${parts.join('&')}`
}

const one = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value
