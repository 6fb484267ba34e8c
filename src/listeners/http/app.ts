/** The fastify instance: routes, bodies, hooks and errors put together. Listens nowhere yet. */
import type { RequestListener, Server } from 'node:http'
import cors from '@fastify/cors'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import {
  HEADER_HIGH_WATERMARK,
  HEADER_NEXT_OFFSET,
  HEADER_REBALANCE,
  methodsByPath,
  RECORDS_TYPE,
  SETTLE_TYPE,
  VERSION_PREFIX,
} from '../../api/index.ts'
import { BrokerError } from '../../kernel/errors.ts'
import { SECOND_MS } from '../../kernel/units.ts'
import { backupRoute } from './backupRoute.ts'
import { acceptBodies } from './bodies.ts'
import type { Counters } from './counters.ts'
import { delayedRoutes } from './delayedRoutes.ts'
import { deliveryRoutes } from './deliveryRoutes.ts'
import { addDocs } from './docs.ts'
import { errorHandler, sendError } from './errorReplies.ts'
import { groupsRoutes } from './groupsRoutes.ts'
import { addGuard } from './guard.ts'
import { healthRoutes } from './healthRoutes.ts'
import { leaseRoute, settleRoute } from './leaseRoutes.ts'
import { writeRepliesAtOnce } from './oneWrite.ts'
import { HTTP_LIMITS, type HttpListenerOptions, type HttpListenerParts } from './options.ts'
import { priorityRoutes } from './priorityRoutes.ts'
import { publishRoutes } from './publish/publishRoutes.ts'
import { readRoutes } from './read/readRoutes.ts'
import { REQUEST_ID_HEADER, requestIds } from './requestIds.ts'
import { addRoutes, type RouteContext } from './routes.ts'
import { clientErrorHandler, guardServer } from './socketErrors.ts'
import { type Certificate, TlsServer } from './tlsServer.ts'
import { topicRoutes } from './topicRoutes.ts'
import type { Traffic } from './traffic.ts'

const JSON_BODY = 'application/json'
const HEADERS_TIMEOUT_MS = 20 * SECOND_MS
const CHECKING_INTERVAL_MS = 5 * SECOND_MS

export async function makeApp(context: RouteContext): Promise<FastifyInstance> {
  const { options, traffic, counters, parts } = context
  const { logger } = parts.platform
  const onError = errorHandler({
    logger,
    onFatal: parts.onFatal ?? (() => {}),
    onRefused: (code) => counters.refused(code),
  })
  const app = Fastify({
    logger: false,
    genReqId: requestIds(parts.platform.random),
    ...timeoutsOf(options),
    return503OnClosing: false,
    routerOptions: { maxParamLength: HTTP_LIMITS.paramCharsMax },
    // Not two tables of the same routes: the prefix is taken off before they are looked at.
    rewriteUrl: ({ url = '/' }) =>
      url.startsWith(`${VERSION_PREFIX}/`) ? url.slice(VERSION_PREFIX.length) : url,
    frameworkErrors: (error, request, reply) => {
      reply.header(REQUEST_ID_HEADER, request.id)
      onError(error, request, reply)
    },
    clientErrorHandler: clientErrorHandler(traffic, counters),
    ...serverOf(options, parts.credentials?.tls),
  })
  guard(app.server, context)
  app.removeAllContentTypeParsers()
  app.setErrorHandler(onError)
  app.decorateRequest('flight')
  app.decorateRequest('principal', 'anonymous')
  addAdmission(app, traffic)
  await addCors(app, options.corsOrigins)
  if (isGuarded(parts)) addGuard(app, context.keys, parts.platform)
  addDocs(app, parts.build.version)
  addUnknown(app, counters)
  await app.register((scope, _, done) => {
    acceptBodies(scope, JSON_BODY, { traffic, bytesMax: HTTP_LIMITS.controlBodyBytesMax })
    addRoutes(
      scope,
      {
        ...healthRoutes(context),
        ...topicRoutes(context),
        ...groupsRoutes(context),
        ...deliveryRoutes(context),
        ...delayedRoutes(context),
        ...priorityRoutes(context),
        ...leaseRoute(context),
        ...backupRoute(context),
      },
      context,
    )
    done()
  })
  await app.register((scope, _, done) => {
    const reading = { traffic, bytesMax: options.bodyBytesMax }
    acceptBodies(scope, JSON_BODY, reading)
    acceptBodies(scope, RECORDS_TYPE, { ...reading, blocks: context.bodyBlocks })
    addRoutes(scope, { ...publishRoutes(context), ...readRoutes(context) }, context)
    done()
  })
  await app.register((scope, _, done) => {
    acceptBodies(scope, SETTLE_TYPE, { traffic, bytesMax: HTTP_LIMITS.controlBodyBytesMax })
    addRoutes(scope, settleRoute(context), context)
    done()
  })
  await app.ready()
  return app
}

const isGuarded = ({ credentials }: HttpListenerParts): boolean =>
  credentials !== undefined && credentials.apiKeys.length > 0

const timeoutsOf = (options: HttpListenerOptions) => ({
  keepAliveTimeout: options.keepAliveTimeoutMs,
  requestTimeout: options.requestTimeoutMs,
  connectionTimeout: options.stallTimeoutMs,
})

/** Fastify makes the plain server itself. */
function serverOf(options: HttpListenerOptions, tls: Certificate | undefined) {
  if (tls === undefined) return { http: httpOptions(options) }
  return {
    serverFactory: (listener: RequestListener): Server => {
      const { keepAliveTimeout, requestTimeout, connectionTimeout } = timeoutsOf(options)
      const timeouts = { keepAliveTimeout, requestTimeout }
      const server = new TlsServer(tls, { ...httpOptions(options), ...timeouts }, listener)
      server.timeout = connectionTimeout
      return server
    },
  }
}

const httpOptions = ({ requestTimeoutMs }: HttpListenerOptions) => ({
  maxHeaderSize: HTTP_LIMITS.headerBytesMax,
  headersTimeout: Math.min(requestTimeoutMs, HEADERS_TIMEOUT_MS),
  connectionsCheckingInterval: Math.min(requestTimeoutMs / 2, CHECKING_INTERVAL_MS),
  // Node would answer for itself, without a body; the hook does it.
  requireHostHeader: false,
})

/** A client that has closed its side after a whole request still gets the reply. */
function guard(server: Server & { httpAllowHalfOpen?: boolean }, context: RouteContext): void {
  server.httpAllowHalfOpen = true
  guardServer(server, context.options.connectionsMax, context.counters)
  writeRepliesAtOnce(server)
}

/** Health answers also while the broker starts, stops or is full: that is what it is for. */
const ALWAYS_ADMITTED = /^\/(?:health|healthz|livez|readyz|version|metrics)(?:\?|$)/

function addAdmission(app: FastifyInstance, traffic: Traffic): void {
  app.addHook('onRequest', (request: FastifyRequest, reply: FastifyReply, done) => {
    request.flight = traffic.begin(reply)
    reply.header(REQUEST_ID_HEADER, request.id)
    if (traffic.isDraining) reply.header('connection', 'close')
    try {
      if (traffic.isFull || traffic.isDraining) {
        if (!ALWAYS_ADMITTED.test(request.url)) traffic.admit()
      }
      checkHost(request)
      done()
    } catch (error) {
      done(error as BrokerError)
    }
  })
}

function checkHost({ raw }: FastifyRequest): void {
  if (raw.headers.host !== undefined || raw.httpVersion !== '1.1') return
  throw new BrokerError('INVALID_REQUEST', 'a Host header is required')
}

async function addCors(app: FastifyInstance, origins: readonly string[]): Promise<void> {
  if (origins.length === 0) return
  await app.register(cors, {
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'],
    exposedHeaders: [
      REQUEST_ID_HEADER,
      HEADER_NEXT_OFFSET,
      HEADER_HIGH_WATERMARK,
      HEADER_REBALANCE,
      'retry-after',
    ],
  })
}

/** 405 where the path is there for other methods, else 404. */
function addUnknown(app: FastifyInstance, counters: Counters): void {
  const known = [...methodsByPath()].map(([path, methods]) => ({
    pattern: new RegExp(`^${path.replaceAll('.', '\\.').replace(/:\w+/g, '[^/]+')}$`),
    methods,
  }))
  app.setNotFoundHandler((request, reply) => {
    const [path = ''] = request.url.split('?')
    const route = known.find(({ pattern }) => pattern.test(path))
    if (route === undefined) {
      counters.refused('ROUTE_NOT_FOUND')
      sendError(reply, new BrokerError('ROUTE_NOT_FOUND', 'there is no such route'))
      return
    }
    const allow = route.methods.join(', ')
    reply.header('allow', allow)
    counters.refused('METHOD_NOT_ALLOWED')
    sendError(reply, new BrokerError('METHOD_NOT_ALLOWED', `this route answers ${allow}`))
  })
}
