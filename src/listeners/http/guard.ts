/**
 * Asks every request for an API key, but for the probes and the metrics: those who watch a broker hold no keys.
 *
 *   Authorization: Bearer <key>        or        X-Api-Key: <key>
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { PATHS, type PathName } from '../../api/index.ts'
import { BrokerError } from '../../kernel/errors.ts'
import type { Platform } from '../../kernel/platform.ts'
import { SECOND_MS } from '../../kernel/units.ts'
import type { KeyRing } from './keyRing.ts'

/** Answered without a key. */
export const OPEN_PATHS: readonly PathName[] = ['health', 'healthz', 'livez', 'readyz', 'metrics']

const OPEN: ReadonlySet<string | undefined> = new Set(OPEN_PATHS.map((name) => PATHS[name]))
const SCHEME = 'bearer '
const QUIET_MS = 10 * SECOND_MS

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks: the name of the key, `anonymous` without. */
    principal: string
  }
}

/** Behind the hooks of CORS, so that a page reads why it is refused, and preflights, which have no key, pass. */
export function addGuard(app: FastifyInstance, keys: KeyRing, platform: Platform): void {
  const refusals = new Refusals(platform)
  app.addHook('onRequest', (request: FastifyRequest, reply: FastifyReply, done) => {
    const key = keyOf(request)
    const name = key === undefined ? undefined : keys.nameOf(key)
    if (name !== undefined) request.principal = name
    else if (!OPEN.has(request.routeOptions.url)) {
      refusals.note(request)
      reply.header('www-authenticate', 'Bearer')
      done(refusal(key))
      return
    }
    done()
  })
}

function keyOf({ raw: { headers } }: FastifyRequest): string | undefined {
  const { authorization } = headers
  if (authorization === undefined) {
    const key = headers['x-api-key']
    return typeof key === 'string' ? key : undefined
  }
  const isBearer = authorization.slice(0, SCHEME.length).toLowerCase() === SCHEME
  return isBearer ? authorization.slice(SCHEME.length).trim() : undefined
}

const refusal = (key: string | undefined): BrokerError =>
  new BrokerError(
    'UNAUTHORIZED',
    key === undefined
      ? 'an API key is required: send it as `Authorization: Bearer <key>`'
      : 'this API key is not known here',
  )

/** Says that there are refusals, not each of them: whoever tries keys does not fill the log. */
class Refusals {
  readonly #platform: Platform
  #count = 0
  #saidMs = Number.NEGATIVE_INFINITY

  constructor(platform: Platform) {
    this.#platform = platform
  }

  note({ ip, method, url }: FastifyRequest): void {
    this.#count += 1
    const { clock, logger } = this.#platform
    const nowMs = clock.monotonicMs()
    if (nowMs - this.#saidMs < QUIET_MS) return
    const last = { ip, method, path: url.split('?')[0] }
    logger.warn({ refused: this.#count, last }, 'requests without a known API key')
    this.#saidMs = nowMs
    this.#count = 0
  }
}
