import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Ask, Connection } from '../../../src/client/index.ts'

/** A server that answers as it is told, and a connection to it. */
async function serve(listener: RequestListener, path = ''): Promise<Connection> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => stop(server))
  return connect(`http://127.0.0.1:${portOf(server)}${path}`)
}

function connect(url: string): Connection {
  const connection = new Connection({ url, timeoutMs: 2000 })
  onTestFinished(() => connection.close())
  return connection
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port

const stop = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.closeAllConnections()
    server.close(() => resolve())
  })

const GET: Ask = { method: 'GET', path: '/topics' }
const POST: Ask = { method: 'POST', path: '/topics', json: { name: 'a' } }

describe('connection', () => {
  test('sends JSON and the query to the path, below the path of its URL', async () => {
    const seen: unknown[] = []
    const connection = await serve((request, response) => {
      const { method, url, headers } = request
      request.on('data', (chunk) => seen.push(chunk.toString()))
      request.on('end', () => {
        seen.push([method, url, headers['content-type']])
        response.end('{"ok":true}')
      })
    }, '/goqueue/')
    const reply = await connection.askJson({ ...POST, query: { a: 1, b: undefined, c: 'x y' } })
    expect(reply).toEqual({ ok: true })
    expect(seen).toEqual([
      '{"name":"a"}',
      ['POST', '/goqueue/topics?a=1&c=x%20y', 'application/json'],
    ])
  })

  test('gives an error of the broker by its code, with its fields', async () => {
    const connection = await serve((_, response) => {
      response.writeHead(503, { 'retry-after': '2' })
      const fields = { 'messages[1].key': 'too long' }
      response.end(JSON.stringify({ error: 'busy', code: 'BROKER_OVERLOADED', fields }))
    })
    await expect(connection.ask(GET)).rejects.toMatchObject({
      code: 'BROKER_OVERLOADED',
      message: 'busy',
      retryable: true,
      retryAfterMs: 2000,
      fields: { 'messages[1].key': 'too long' },
    })
  })

  test('gives a status that was asked for as an answer', async () => {
    const connection = await serve((_, response) => {
      response.writeHead(503)
      response.end('{"status":"fail"}')
    })
    const ask = { ...GET, alsoAnswers: [503] }
    expect(await connection.askJson(ask)).toEqual({ status: 'fail' })
  })

  test.each([
    [502, '<html>Bad Gateway</html>', 'CONNECTION_FAILED'],
    [404, 'not here', 'UNKNOWN'],
    [500, '', 'UNKNOWN'],
    [429, '{"error":"slow down","code":"FROM_THE_FUTURE"}', 'UNKNOWN'],
  ])('shows what another server says with status %d', async (status, body, code) => {
    const connection = await serve((_, response) => {
      response.writeHead(status)
      response.end(body)
    })
    await expect(connection.ask(GET)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(`answered ${status}`),
    })
  })

  test('says so where an answer is no JSON', async () => {
    const connection = await serve((_, response) => response.end('<html>'))
    await expect(connection.askJson(GET)).rejects.toThrow(/is it a goqueue broker\?/)
  })

  test('fails at once where nobody listens', async () => {
    const gone = createServer()
    await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${portOf(gone)}`
    await stop(gone)
    for (const ask of [GET, POST]) {
      await expect(connect(url).ask(ask)).rejects.toMatchObject({
        code: 'CONNECTION_FAILED',
        message: `cannot reach ${url}: connection refused`,
      })
    }
  })

  test('does not know what became of a change whose answer was cut off', async () => {
    const connection = await serve((request) => request.socket.destroy())
    await expect(connection.ask(POST)).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' })
    await expect(connection.ask(GET)).rejects.toMatchObject({ code: 'CONNECTION_FAILED' })
  })

  test('ends when its signal aborts', async () => {
    const abort = new AbortController()
    const connection = await serve(() => abort.abort())
    const asked = connection.ask({ ...POST, signal: abort.signal })
    await expect(asked).rejects.toMatchObject({ code: 'CANCELLED' })
  })

  test('is not made where its signal has aborted', async () => {
    let requests = 0
    const connection = await serve((_, response) => {
      requests += 1
      response.end('{}')
    })
    const asked = connection.ask({ ...POST, signal: AbortSignal.abort() })
    await expect(asked).rejects.toMatchObject({ code: 'CANCELLED' })
    await connection.ask(GET)
    expect(requests).toBe(1)
  })

  test('takes an answer that comes in pieces', async () => {
    const connection = await serve((_, response) => {
      response.write('{"a":')
      setImmediate(() => response.end('1}'))
    })
    expect(await connection.askJson(GET)).toEqual({ a: 1 })
  })

  test.each(['localhost:8080', 'ftp://x', '', 'http://'])('refuses %j as a URL', (url) => {
    expect(() => new Connection({ url })).toThrow(/not an http or https URL/)
  })
})
