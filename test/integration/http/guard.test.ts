/** Who is let in where there are API keys. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { CONTRACT, PATHS, VERSION_PREFIX } from '../../../src/api/index.ts'
import type { BrokerPort } from '../../../src/broker/index.ts'
import { type HttpStubSetup, startHttpStub } from '../../support/httpStub.ts'

const KEY = 'secret-of-billing-0123456789'
const apiKeys = [
  { name: 'billing', key: KEY },
  { name: 'shop', key: 'secret-of-shop-0123456789' },
]
const OPEN = ['/health', '/healthz', '/livez', '/readyz', '/metrics']

async function guarded(setup: HttpStubSetup = {}) {
  const stub = await startHttpStub({ ...setup, parts: { credentials: { apiKeys } } })
  onTestFinished(() => stub.stop())
  return stub
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` })
const REFUSED = { status: 401, json: { code: 'UNAUTHORIZED', retryable: false } }

describe('guard', () => {
  test('lets nobody in without a key, on any route but the probes and the metrics', async () => {
    const { ask } = await guarded()
    const routes = CONTRACT.map(({ method, path }) => [method, PATHS[path]] as const)
    for (const [method, path] of [...routes, ['GET', '/docs'], ['GET', '/openapi.json']] as const) {
      for (const url of [path, VERSION_PREFIX + path]) {
        const reply = await ask(method, url.replaceAll(/:\w+/g, '0'))
        const isOpen = OPEN.includes(path)
        expect([method, url, reply.status === 401]).toEqual([method, url, !isOpen])
        if (isOpen) continue
        expect(reply).toMatchObject(REFUSED)
        expect(reply.headers.get('www-authenticate')).toBe('Bearer')
      }
    }
  })

  test('gives nothing away about routes that there are not', async () => {
    const { ask } = await guarded()
    for (const path of [
      '/',
      '/nothing',
      '/metrics/x',
      '/health/../topics',
      '/METRICS',
      '/livez;',
    ]) {
      expect(await ask('GET', path)).toMatchObject(REFUSED)
    }
    expect((await ask('PUT', '/topics')).status).toBe(401)
    expect((await ask('HEAD', '/topics')).status).toBe(401)
    expect((await ask('HEAD', '/livez')).status).toBe(200)
  })

  test('takes a known key by either header', async () => {
    const { ask } = await guarded()
    const lists = [bearer(KEY), { authorization: `bearer  ${KEY}` }, { 'x-api-key': KEY }]
    for (const headers of [...lists, ...lists]) {
      expect(await ask('GET', '/topics', { headers })).toMatchObject({ status: 200 })
    }
    expect((await ask('GET', '/nothing', { headers: bearer(KEY) })).status).toBe(404)
    expect((await ask('GET', '/livez', { headers: bearer('wrong') })).status).toBe(200)
  })

  test.each([
    bearer(`${KEY}x`),
    bearer(KEY.slice(1)),
    bearer(''),
    { authorization: KEY },
    { authorization: `Basic ${btoa(`billing:${KEY}`)}` },
    { authorization: 'Bearer', 'x-api-key': KEY },
    { 'x-api-key': 'wrong' },
  ])('refuses what is no known key, and does not repeat it: %#', async (headers) => {
    const { ask } = await guarded()
    const reply = await ask('POST', '/topics', { headers, json: { name: 't' } })
    expect(reply).toMatchObject(REFUSED)
    expect(reply.text).not.toContain('secret')
    expect((await ask('GET', '/topics', { headers: bearer(KEY) })).json).toEqual({ topics: [] })
  })

  test('tells the broker who calls', async () => {
    const callers: string[] = []
    const wrap = (broker: BrokerPort): BrokerPort => ({
      ...{ status: () => broker.status() },
      call: (name, input, caller) => {
        callers.push(caller.principal)
        return broker.call(name, input, caller)
      },
    })
    const { ask } = await guarded({ wrap })
    await ask('GET', '/topics', { headers: bearer(KEY) })
    await ask('GET', '/topics', { headers: { 'x-api-key': apiKeys[1]?.key ?? '' } })
    expect(callers).toEqual(['billing', 'shop'])
  })

  test('lets a page ask whether it may, and read why it may not', async () => {
    const { ask } = await guarded({ http: { corsOrigins: ['http://localhost:3000'] } })
    const headers = { origin: 'http://localhost:3000', 'access-control-request-method': 'GET' }
    expect((await ask('OPTIONS', '/topics', { headers })).status).toBe(204)
    const refused = await ask('GET', '/topics', { headers })
    expect(refused).toMatchObject(REFUSED)
    expect(refused.headers.get('access-control-allow-origin')).toBe('http://localhost:3000')
  })

  test('keys are replaced while it stands open', async () => {
    const { ask, listener } = await guarded()
    const next = 'another-secret-0123456789'
    expect((await ask('GET', '/topics', { headers: bearer(KEY) })).status).toBe(200)
    listener.replaceCredentials({ apiKeys: [{ name: 'billing', key: next }] })
    expect((await ask('GET', '/topics', { headers: bearer(KEY) })).status).toBe(401)
    expect((await ask('GET', '/topics', { headers: bearer(next) })).status).toBe(200)
  })
})
