/**
 * `/openapi.json` and `/docs`, made when they are first asked for: most brokers never are, and what makes them
 * would cost every start its time and every garbage collection a larger heap (4 MB of 18).
 */
import type { FastifyInstance } from 'fastify'
import { PATHS } from '../../api/index.ts'
import { REQUEST_ID_HEADER } from './requestIds.ts'

const METHODS = ['GET', 'HEAD']

export function addDocs(app: FastifyInstance, version: string): void {
  let making: Promise<FastifyInstance> | undefined
  const site = (): Promise<FastifyInstance> => {
    making ??= import('./docsSite.ts').then(({ makeDocsSite }) => makeDocsSite(version))
    return making
  }
  for (const url of [PATHS.openapi, PATHS.docs, `${PATHS.docs}/*`]) {
    app.route({
      method: METHODS,
      url,
      handler: async (request, reply) => {
        const { routing } = await site()
        reply.raw.setHeader(REQUEST_ID_HEADER, request.id)
        reply.hijack()
        routing(request.raw, reply.raw)
      },
    })
  }
  app.addHook('onClose', async () => {
    await (await making)?.close()
  })
}
