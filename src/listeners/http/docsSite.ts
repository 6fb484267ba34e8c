/**
 * The contract as OpenAPI, made from the schemas of `api`, and a page to read and try it that needs no network: a
 * fastify instance of its own that listens nowhere and whose routes of the contract are only there to be described.
 */
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import Fastify, { type FastifyInstance, type FastifySchema } from 'fastify'
import { CONTRACT, ErrorBody, PATHS, type RouteContract, VERSION_PREFIX } from '../../api/index.ts'
import { BrokerError } from '../../kernel/errors.ts'
import { sendError } from './errorReplies.ts'
import { OPEN_PATHS } from './guard.ts'

const DESCRIPTION = `A partitioned log broker over HTTP. Every route also answers under ${VERSION_PREFIX}.`

const SECURITY_SCHEMES = {
  bearer: { type: 'http', scheme: 'bearer', description: 'an API key' },
  header: { type: 'apiKey', in: 'header', name: 'X-Api-Key' },
} as const

const isOpen = (path: RouteContract['path']): boolean => OPEN_PATHS.includes(path)

export async function makeDocsSite(version: string): Promise<FastifyInstance> {
  const site = Fastify({ logger: false })
  const unknown = new BrokerError('ROUTE_NOT_FOUND', 'there is no such page')
  site.setNotFoundHandler((_, reply) => sendError(reply, unknown))
  site.setErrorHandler((_, __, reply) => sendError(reply, unknown))
  await site.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'goqueue', description: DESCRIPTION, version, license: { name: 'MIT' } },
      servers: [{ url: '/' }, { url: VERSION_PREFIX }],
      components: {
        schemas: { Error: JSON.parse(JSON.stringify(ErrorBody)) },
        securitySchemes: SECURITY_SCHEMES,
      },
      // The empty one: a broker without keys asks for none.
      security: [{ bearer: [] }, { header: [] }, {}],
    },
    // Fastify itself gets no schemas: nothing here is to be validated.
    transform: ({ url, route }) => {
      const contract = CONTRACT.find(
        ({ path, method }) => PATHS[path] === url && method === route.method,
      )
      const schema = contract === undefined ? { hide: true } : schemaOf(contract)
      return { schema: schema as FastifySchema, url }
    },
  })
  await site.register(swaggerUi, { routePrefix: PATHS.docs, staticCSP: true })
  for (const { method, path } of CONTRACT) {
    site.route({ method, url: PATHS[path], handler: (_, reply) => sendError(reply, unknown) })
  }
  site.get(PATHS.openapi, (_, reply) => reply.send(site.swagger()))
  await site.ready()
  return site
}

function schemaOf(contract: RouteContract): object {
  const { method, path, tag, summary, params, query, body, reply, status = 200 } = contract
  return {
    tags: [tag],
    summary,
    ...(isOpen(path) ? { security: [] } : {}),
    operationId: `${method.toLowerCase()}-${path}`,
    ...(params === undefined ? {} : { params }),
    ...(query === undefined ? {} : { querystring: query }),
    ...(body === undefined ? {} : { body: { required: true, content: contentOf(body) } }),
    response: {
      [status]: { description: 'as asked', content: contentOf(reply) },
      ...Object.fromEntries(errorStatuses(contract).map((each) => [each, errorOf(each)])),
    },
  }
}

const errorStatuses = ({ errors = [], path }: RouteContract): readonly number[] =>
  [...new Set([400, ...(isOpen(path) ? [] : [401]), ...errors, 503])].sort((a, b) => a - b)

const MEANINGS: Readonly<Record<number, string>> = {
  400: 'malformed',
  401: 'an API key is required, or this one is not known',
  403: 'not assigned to this member',
  404: 'no such topic, partition, group or member',
  409: 'a conflict: it exists, is in use, or the generation is old; `code` says which',
  413: 'too large',
  415: 'a content type that is not taken here',
  416: 'the offset is outside of the log; `fields` name its ends',
  422: 'well-formed but impossible',
  429: 'a limit is reached; `error` says which',
  503: 'overloaded, recovering or stopping; see Retry-After',
}

const errorOf = (status: number): object => ({
  description: MEANINGS[status] ?? 'an error',
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
})

const contentOf = (schemas: Readonly<Record<string, object>>): object =>
  Object.fromEntries(Object.entries(schemas).map(([type, schema]) => [type, { schema }]))
