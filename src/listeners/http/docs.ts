/**
 * The contract as OpenAPI, made from the schemas of `api`, and a page to read and try it that needs no network.
 *
 * Fastify itself gets no schemas: requests are checked by the code that reads them, replies are written by the code
 * that makes them, and neither pays for a generic validator. The schemas are joined to the routes here only.
 */
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, FastifySchema } from 'fastify'
import { CONTRACT, ErrorBody, PATHS, type RouteContract, VERSION_PREFIX } from '../../api/index.ts'

const DESCRIPTION = `A partitioned log broker over HTTP. Every route also answers under ${VERSION_PREFIX}.`

/** Before the routes are added. */
export async function addDocs(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'goqueue', description: DESCRIPTION, version, license: { name: 'MIT' } },
      servers: [{ url: '/' }, { url: VERSION_PREFIX }],
      components: { schemas: { Error: JSON.parse(JSON.stringify(ErrorBody)) } },
    },
    transform: ({ url, route }) => {
      const contract = CONTRACT.find(
        ({ path, method }) => PATHS[path] === url && method === route.method,
      )
      const schema = contract === undefined ? { hide: true } : schemaOf(contract)
      return { schema: schema as FastifySchema, url }
    },
  })
  await app.register(swaggerUi, { routePrefix: PATHS.docs, staticCSP: true })
  app.get(PATHS.openapi, (_, reply) => reply.send(app.swagger()))
}

function schemaOf(contract: RouteContract): object {
  const { method, path, tag, summary, params, query, body, reply, status = 200 } = contract
  return {
    tags: [tag],
    summary,
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

const errorStatuses = ({ errors = [] }: RouteContract): readonly number[] =>
  [...new Set([400, ...errors, 503])].sort((a, b) => a - b)

const MEANINGS: Readonly<Record<number, string>> = {
  400: 'malformed',
  404: 'no such topic or partition',
  409: 'it exists already',
  413: 'too large',
  415: 'a content type that is not taken here',
  416: 'the offset is outside of the log; `fields` name its ends',
  422: 'well-formed but impossible',
  503: 'overloaded, recovering or stopping; see Retry-After',
}

const errorOf = (status: number): object => ({
  description: MEANINGS[status] ?? 'an error',
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
})

const contentOf = (schemas: Readonly<Record<string, object>>): object =>
  Object.fromEntries(Object.entries(schemas).map(([type, schema]) => [type, { schema }]))
