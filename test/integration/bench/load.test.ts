import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { floorAppend } from '../../../bench/floor/append.ts'
import { makeFloorHttp } from '../../../bench/floor/http.ts'
import { makeFloorRead } from '../../../bench/floor/read.ts'
import { runClosedLoop } from '../../../bench/load/closedLoop.ts'
import { LeanConnection } from '../../../bench/load/connection.ts'
import { runOpenLoop } from '../../../bench/load/openLoop.ts'
import { runReading } from '../../../bench/load/reading.ts'
import { publishRequest, recordsOf } from '../../../bench/load/requests.ts'
import { TINY } from '../../../bench/support/settings.ts'

const { warmupMs, turnMs } = TINY
const serverPid = process.pid
const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), 'goqueue-bench-test-'))
  cleanUps.push(() => rmSync(made, { recursive: true }))
  return made
}

async function listen(server: ReturnType<typeof makeFloorRead>): Promise<number> {
  cleanUps.unshift(() => server.close())
  return Number(new URL(await server.listen({ port: 0, host: '127.0.0.1' })).port)
}

const floorHttp = (keepTail: boolean): Promise<number> =>
  listen(makeFloorHttp({ directory: directory(), keepTail }))

describe('floor-append', () => {
  test('writes every batch', async () => {
    const batches = Array.from({ length: 5 }, () => recordsOf(3, 20))
    expect(await floorAppend(join(directory(), 'f'), batches, 2)).toBeGreaterThan(0)
  })
})

describe('the closed loop', () => {
  test.each([
    ['json', 'leader'],
    ['json', 'all'],
    ['raw', 'leader'],
    ['raw', 'all'],
  ] as const)('publishes %s at %s and finds all of it stored', async (format, acks) => {
    const port = await floorHttp(false)
    const result = await runClosedLoop({
      ...{ kind: 'closed-loop', port, serverPid, format, acks, warmupMs, turnMs },
      ...{ batch: 3, valueBytes: 20, connections: 2 },
    })
    // On a busy machine no answer may fall into so short a window; what is checked is that the books balance.
    expect(result.recordsPerSecond).toBeGreaterThanOrEqual(0)
  })

  test('rejects when less is stored than was acknowledged', async () => {
    const server = makeFloorHttp({ directory: directory(), keepTail: false })
    server.addHook('onSend', async (request, _, payload) =>
      request.method === 'GET' ? '{"total_messages":1}' : payload,
    )
    const port = await listen(server)
    const job = { kind: 'closed-loop', port, serverPid, warmupMs, turnMs } as const
    const shape = {
      format: 'raw',
      acks: 'leader',
      batch: 3,
      valueBytes: 20,
      connections: 1,
    } as const
    await expect(runClosedLoop({ ...job, ...shape })).rejects.toThrow('stored')
  })
})

describe('the open loop', () => {
  test('receives every message it sent, timed from when it was due', async () => {
    const port = await floorHttp(true)
    const result = await runOpenLoop({
      ...{ kind: 'open-loop', port, serverPid, warmupMs, turnMs, acks: 'leader', exact: false },
      ...{ ratePerSecond: 500, connections: 4, valueBytes: 40 },
    })
    expect(result.p50Ms).toBeGreaterThan(0)
    expect(result.maxMs).toBeGreaterThanOrEqual(result.p99Ms)
  })
})

describe('reading', () => {
  test.each(['raw', 'json'] as const)('goes through %s replies to the end', async (format) => {
    const port = await listen(makeFloorRead({ rawRecords: 10, jsonMessages: 10, valueBytes: 20 }))
    const result = await runReading({
      ...{ kind: 'reading', port, serverPid, format, limit: 10, maxBytes: 4_096 },
      ...{ records: 40, warmupRecords: 10, sameBytes: true },
    })
    expect(result.recordsPerReply).toBe(10)
  })
})

describe('the lean connection', () => {
  test('puts a response together that comes byte by byte', async () => {
    const reply = 'HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello'
    const server = createServer((socket) => {
      socket.setNoDelay(true)
      socket.on('error', () => {})
      const byte = (i: number): void => {
        if (i < reply.length) socket.write(reply[i] ?? '', () => setImmediate(byte, i + 1))
      }
      socket.once('data', () => byte(0))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    cleanUps.push(() => server.close())
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const shape = { format: 'json', batch: 1, valueBytes: 4, acks: 'leader' } as const
    const answer = await new Promise((resolve, reject) => {
      LeanConnection.open({
        port,
        onResponse: (status, body) => resolve({ status, body: body.toString() }),
        onFailure: reject,
      }).then((connection) => {
        cleanUps.unshift(() => connection.close())
        connection.send(publishRequest(shape, 0))
      }, reject)
    })
    expect(answer).toEqual({ status: 201, body: 'hello' })
  })
})
