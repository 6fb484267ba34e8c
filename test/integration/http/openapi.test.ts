import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CONTRACT, PATHS } from '../../../src/api/index.ts'
import { type HttpStub, startHttpStub } from '../../support/httpStub.ts'

interface Operation {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly required?: boolean
  }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object }>> }
  readonly responses: Readonly<
    Record<
      string,
      { readonly description: string; readonly content?: Readonly<Record<string, object>> }
    >
  >
}

interface Document {
  readonly openapi: string
  readonly info: { readonly title: string; readonly version: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, object>> }
}

let stub: HttpStub
let openapi: Document

beforeAll(async () => {
  stub = await startHttpStub()
  openapi = (await stub.ask('GET', '/openapi.json')).json as unknown as Document
})
afterAll(() => stub.stop())

const templateOf = (path: string): string => path.replace(/:(\w+)/g, '{$1}')
const operations = (): readonly Operation[] =>
  Object.values(openapi.paths).flatMap((path) => Object.values(path))

/** Every value of a property anywhere in the document. */
function everywhere(value: unknown, name: string): unknown[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [
    ...(key === name ? [inner] : []),
    ...everywhere(inner, name),
  ])
}

describe('OpenAPI document', () => {
  test('is of version 3.1 and about this broker', () => {
    expect(openapi.openapi).toBe('3.1.0')
    expect(openapi.info).toMatchObject({ title: 'goqueue', version: '1.2.3' })
  })

  test('has every route of the contract and no other', () => {
    const documented = Object.entries(openapi.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    const contract = CONTRACT.map(({ method, path }) => `${method} ${templateOf(PATHS[path])}`)
    expect(documented.sort()).toEqual(contract.sort())
  })

  test('names each operation once', () => {
    const ids = operations().map(({ operationId }) => operationId)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('declares every parameter of its paths, and paths alone require theirs', () => {
    for (const [path, methods] of Object.entries(openapi.paths)) {
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      for (const { parameters = [] } of Object.values(methods)) {
        const inPath = parameters.filter((each) => each.in === 'path')
        expect(inPath.map(({ name }) => name)).toEqual(names)
        expect(inPath.every(({ required }) => required)).toBe(true)
      }
    }
  })

  test('describes a success and the errors of every operation', () => {
    for (const { operationId, responses } of operations()) {
      const statuses = Object.keys(responses)
      expect(
        statuses.some((status) => ['200', '201', '202'].includes(status)),
        operationId,
      ).toBe(true)
      expect(statuses).toEqual(expect.arrayContaining(['400', '503']))
      for (const { description, content } of Object.values(responses)) {
        expect(description.length).toBeGreaterThan(0)
        expect(Object.keys(content ?? {}).length).toBeGreaterThan(0)
      }
    }
  })

  test('refers only to what it has', () => {
    const refs = everywhere(openapi, '$ref')
    expect(refs.length).toBeGreaterThan(0)
    for (const ref of refs) expect(ref).toBe('#/components/schemas/Error')
    expect(openapi.components.schemas).toHaveProperty('Error')
  })

  test('shows both forms of publish and read', () => {
    const content = openapi.paths['/topics/{topic}/messages']?.['post']?.requestBody?.content ?? {}
    expect(Object.keys(content)).toEqual(['application/json', 'application/vnd.goqueue.records'])
    const read = openapi.paths['/topics/{topic}/partitions/{partition}/messages']?.['get']
    expect(Object.keys(read?.responses['200']?.content ?? {})).toEqual(Object.keys(content))
  })
})

describe('listener', () => {
  test('answers every route of the contract', async () => {
    for (const { method, path } of CONTRACT) {
      const answer = await stub.ask(method, PATHS[path].replace(/:\w+/g, '0'))
      expect(['ROUTE_NOT_FOUND', 'METHOD_NOT_ALLOWED']).not.toContain(answer.json['code'])
    }
  })
})

describe('docs page', () => {
  test('stands without a network: nothing on it comes from elsewhere', async () => {
    const page = await stub.ask('GET', '/docs/')
    expect(page.status).toBe(200)
    expect(page.headers.get('content-type')).toContain('text/html')
    const loaded = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url ?? '')
    expect(loaded.length).toBeGreaterThan(3)
    for (const url of loaded) {
      expect(url).not.toMatch(/^(?:https?:)?\/\//)
      const part = await stub.ask('GET', new URL(url, 'http://x/docs/').pathname)
      expect(part.status, url).toBe(200)
    }
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'")
  })

  test('is there under the version too', async () => {
    expect((await stub.ask('GET', '/v1/docs/')).status).toBe(200)
    expect((await stub.ask('GET', '/v1/openapi.json')).json).toEqual(openapi)
  })
})
