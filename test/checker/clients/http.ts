/** The door of the broker for clients that note what they were told: one request, one outcome, no exception. */
import { Pool } from 'undici'
import { type Instant, now, since, type Told } from '../history/history.ts'

export interface Reply extends Told {
  readonly start: number
  /** 0 where no answer came. */
  readonly status: number
  readonly body: Buffer
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Of a body that is no JSON object: nothing. */
  readonly json: Readonly<Record<string, unknown>>
}

export interface Asked {
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Longest wait for an answer, in milliseconds. Default 4,000. */
  readonly timeoutMs?: number
}

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

/** Answers that leave open whether it happened. All other errors say that it did not. */
const UNCERTAIN: ReadonlySet<string> = new Set([
  'UNKNOWN',
  'OUTCOME_UNKNOWN',
  'LOG_FENCED',
  'LOG_CLOSED',
  'REQUEST_TIMED_OUT',
  'CANCELLED',
])
const TIMEOUT_MS = 4000
const CONNECTIONS = 128
/** After a failure, so that a broker that is away is not asked without a pause. */
const BREATH_MS = 60

export class HttpClient {
  readonly #pool: Pool

  constructor(url: string) {
    this.#pool = new Pool(url, { connections: CONNECTIONS, connect: { timeout: TIMEOUT_MS } })
  }

  async ask(method: Method, path: string, asked: Asked = {}): Promise<Reply> {
    const start = now()
    const { body, headers = {}, timeoutMs = TIMEOUT_MS } = asked
    try {
      const response = await this.#pool.request({
        ...{ method, path, signal: AbortSignal.timeout(timeoutMs) },
        ...{ headersTimeout: timeoutMs, bodyTimeout: timeoutMs },
        headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const bytes = Buffer.from(await response.body.arrayBuffer())
      return replyOf(start, { status: response.statusCode, headers: response.headers, bytes })
    } catch (error) {
      // It may still be under way somewhere; or it was never sent.
      const reply = noReply(start, error)
      await pause(BREATH_MS)
      return reply
    }
  }

  async close(): Promise<void> {
    await this.#pool.destroy()
  }
}

interface Response {
  readonly status: number
  readonly headers: Reply['headers']
  readonly bytes: Buffer
}

function replyOf(start: Instant, { status, headers, bytes }: Response): Reply {
  const json = jsonOf(bytes, headers)
  const code = typeof json['code'] === 'string' ? json['code'] : undefined
  const isRefused = code !== undefined && !UNCERTAIN.has(code)
  const outcome = status < 400 ? 'ok' : isRefused ? 'refused' : 'unknown'
  return { ...since(start), outcome, code, status, body: bytes, headers, json }
}

function jsonOf(bytes: Buffer, headers: Reply['headers']): Reply['json'] {
  if (!String(headers['content-type']).startsWith('application/json')) return {}
  const json: unknown = JSON.parse(bytes.toString())
  return typeof json === 'object' && json !== null ? (json as Reply['json']) : {}
}

function noReply(start: Instant, error: unknown): Reply {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
  const outcome = code === 'ECONNREFUSED' ? 'refused' : 'unknown'
  const nothing = { status: 0, body: Buffer.alloc(0), headers: {}, json: {} }
  return { ...since(start), outcome, code, ...nothing }
}

/** What of a reply belongs into the history. */
export const toldBy = ({ start, end, startWall, endWall, outcome, code }: Reply): Told => ({
  ...{ start, end, startWall, endWall, outcome },
  ...(code === undefined ? {} : { code }),
})

export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms))
