import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { Connection } from '../../../src/client/index.ts'

const running: Server[] = []
afterEach(() => {
  for (const server of running.splice(0)) server.close().closeAllConnections()
})

interface Arrived {
  readonly path: string
  readonly socket: Socket
  readonly reply: ServerResponse
}

/** Calls `arrived` for each request, which then answers it. */
async function serve(arrived: (request: Arrived) => void): Promise<string> {
  const server = createServer((request, reply) => {
    request.resume()
    arrived({ path: request.url ?? '', socket: request.socket, reply })
  })
  running.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const post = (connection: Connection, path: string, lane: number) =>
  connection.ask({ method: 'POST', path, json: {}, lane })

describe('a lane', () => {
  test('carries several requests at once over one connection, in the order of their calls', async () => {
    const arrived: Arrived[] = []
    let resolve: (() => void) | undefined
    const all = new Promise<void>((done) => {
      resolve = done
    })
    const url = await serve((request) => {
      arrived.push(request)
      if (arrived.length === 5) resolve?.()
    })
    const connection = new Connection({ url })
    const asked = [0, 1, 2, 3, 4].map((i) => post(connection, `/${i}`, 7))
    await all
    expect(arrived.map((each) => each.path)).toEqual(['/0', '/1', '/2', '/3', '/4'])
    expect(new Set(arrived.map((each) => each.socket)).size).toBe(1)
    for (const { reply, path } of arrived.reverse()) reply.end(JSON.stringify({ path }))
    const bodies = (await Promise.all(asked)).map(({ body }) => body.toString())
    expect(bodies).toEqual([0, 1, 2, 3, 4].map((i) => JSON.stringify({ path: `/${i}` })))
    await connection.close()
  })

  test('that breaks fails the request at its head and sends those behind it again', async () => {
    let broken = false
    const url = await serve(({ path, socket, reply }) => {
      if (!broken && path === '/1') {
        broken = true
        socket.destroy()
      } else reply.end(path)
    })
    const connection = new Connection({ url })
    const asked = [0, 1, 2].map((i) => post(connection, `/${i}`, 0))
    const settled = await Promise.allSettled(asked)
    expect(settled.at(-1)).toMatchObject({ status: 'fulfilled' })
    expect(settled.filter((each) => each.status === 'rejected')).toMatchObject([
      { reason: { code: 'OUTCOME_UNKNOWN' } },
    ])
    await connection.close()
  })

  test('fails with what is known: nothing reached a broker that is not there', async () => {
    const url = await serve(() => undefined)
    for (const server of running.splice(0)) await new Promise((done) => server.close(done))
    const connection = new Connection({ url })
    await expect(post(connection, '/', 0)).rejects.toMatchObject({ code: 'CONNECTION_FAILED' })
    await connection.close()
  })
})
