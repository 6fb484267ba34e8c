/** What the handlers share, and how a table of them becomes routes of the contract. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { CONTRACT, PATHS, type PathName, type RouteContract } from '../../api/index.ts'
import type { BrokerPort } from '../../broker/index.ts'
import { invariant } from '../../kernel/invariant.ts'
import type { Platform } from '../../kernel/platform.ts'
import type { BodyBlocks } from './bodyBlocks.ts'
import type { Counters } from './counters.ts'
import type { KeyRing } from './keyRing.ts'
import type { HttpListenerOptions, HttpListenerParts } from './options.ts'
import type { GroupParams, OffsetParams, PartitionParams, TaskParams } from './query.ts'
import type { LongPolls } from './read/longPolls.ts'
import type { Flight, Traffic } from './traffic.ts'

declare module 'fastify' {
  interface FastifyRequest {
    flight: Flight
  }
}

export interface RouteContext {
  readonly broker: BrokerPort
  readonly platform: Platform
  readonly parts: HttpListenerParts
  readonly options: HttpListenerOptions
  readonly traffic: Traffic
  readonly polls: LongPolls
  readonly counters: Counters
  readonly keys: KeyRing
  /** Of raw batches. */
  readonly bodyBlocks: BodyBlocks
}

/** Each is there where the route's path has one. */
type Params = PartitionParams & GroupParams & TaskParams & OffsetParams
export type Request = FastifyRequest<{ Params: Params }>
export type Handler = (request: Request, reply: FastifyReply) => Promise<void> | void
export type RouteKey = `${RouteContract['method']} ${PathName}`
export type Routes = { readonly [K in RouteKey]?: Handler }

/** Adds each handler of `routes` under the path that the contract gives it. */
export function addRoutes(app: FastifyInstance, routes: Routes, context: RouteContext): void {
  for (const [key, handler] of Object.entries(routes)) {
    const route = CONTRACT.find(({ method, path }) => `${method} ${path}` === key)
    invariant(route !== undefined, `${key} is a route of the contract`)
    const counter = context.counters.route(route.method, PATHS[route.path])
    app.route<{ Params: Params }>({
      method: route.method,
      url: PATHS[route.path],
      handler: (request, reply) => {
        request.flight.counter = counter
        context.traffic.work(request.flight)
        return handler(request, reply)
      },
    })
  }
}
