/**
 * What clients send wrong is answered as the table says. Afterwards the broker lives and its log is what it was.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type HttpStub, startHttpStub } from '../../support/httpStub.ts'
import { exchange, RawSocket } from '../../support/httpStubSocket.ts'
import {
  BAD_REQUESTS,
  BODY_BYTES_MAX,
  GOOD,
  get,
  post,
  publish,
  RECORD_BYTES_MAX,
  raw,
  WIRE,
} from './badRequestTable.ts'

let stub: HttpStub

beforeAll(async () => {
  stub = await startHttpStub({ http: { bodyBytesMax: BODY_BYTES_MAX } })
  await stub.broker.createTopic('t', {
    partitions: 2,
    config: { recordBytesMax: RECORD_BYTES_MAX },
  })
  await stub.broker.publish('t', [{ value: 'kept', partition: 0 }])
  await stub.broker.publish('t', [{ value: 'kept', partition: 1 }])
})
afterAll(() => stub.stop())

async function log(): Promise<string> {
  const reads = [0, 1].map((p) => stub.broker.read('t', p, { maxRecords: 10_000 }))
  const bytes = (await Promise.all(reads)).map((read) => read.bytes.toString('hex'))
  return [await stub.broker.listTopics(), ...bytes].join('\n')
}

/** Every refusal has this form, whoever made it. */
function checkForm(body: string, code: string): void {
  const { error, retryable, fields, ...rest } = JSON.parse(body) as Record<string, unknown>
  expect(rest).toEqual({ code })
  expect(typeof retryable).toBe('boolean')
  expect(error).toMatch(/^.{3,}$/)
  expect(body).not.toMatch(/node_modules|\.[jt]s:\d|FST_ERR| {4}at /)
  for (const text of Object.values((fields ?? {}) as object)) expect(typeof text).toBe('string')
}

describe.each(Object.entries(BAD_REQUESTS))('bad %s', (_, cases) => {
  test.each(cases)('%s', async (_name, bytes, status, code) => {
    const before = await log()
    const reply = await exchange(stub.port, bytes)
    expect(reply?.body).toContain('"code"')
    expect([reply?.status, (JSON.parse(reply?.body ?? '') as { code: string }).code]).toEqual([
      status,
      code,
    ])
    expect(reply?.head).toMatch(/content-type: application\/json/i)
    checkForm(reply?.body ?? '', code)
    expect(await log()).toBe(before)
    expect((await exchange(stub.port, get('/livez')))?.status).toBe(200)
  })
})

describe('bad connection', () => {
  test('every bit of a raw batch flipped is refused, and nothing of it is written', async () => {
    const before = await log()
    const socket = await RawSocket.open(stub.port)
    for (let bit = 0; bit < WIRE.length * 8; bit += 1) {
      const flipped = Buffer.from(WIRE)
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
      const reply = await socket.send(raw(flipped)).reply()
      expect(reply?.status, `bit ${bit}`).toBe(400)
    }
    socket.destroy()
    expect(await log()).toBe(before)
  })

  test('a raw batch cut at every byte is refused', async () => {
    const before = await log()
    const socket = await RawSocket.open(stub.port)
    for (let end = 1; end < WIRE.length; end += 1) {
      const reply = await socket.send(raw(WIRE.subarray(0, end))).reply()
      expect(reply?.status, `cut at ${end}`).toBe(400)
    }
    socket.destroy()
    expect(await log()).toBe(before)
  })

  test('a request head that ends with the connection is answered and not served', async () => {
    const socket = await RawSocket.open(stub.port)
    const reply = await socket.send('GET /topics HTTP/1.1\r\nhost: x').halfClose().reply()
    expect(reply?.status).toBe(400)
    await socket.closed()
  })

  test('a body that ends with the connection is not written', async () => {
    const before = await log()
    const socket = await RawSocket.open(stub.port)
    socket.send(`${post(`content-length: ${GOOD.length + 1}`)}${GOOD}`).halfClose()
    await socket.closed()
    expect(await log()).toBe(before)
  })

  test('a body cut off by a reset is not written', async () => {
    const before = await log()
    const socket = await RawSocket.open(stub.port)
    const gone = new Promise((resolve) => socket.socket.once('close', resolve))
    socket.send(`${post(`content-length: ${GOOD.length + 1}`)}${GOOD}`)
    // The reply to a request behind it tells that the first one has been read as far as it came.
    await stub.ask('GET', '/livez')
    socket.socket.resetAndDestroy()
    await gone
    expect((await stub.ask('GET', '/livez')).status).toBe(200)
    expect(await log()).toBe(before)
  })

  test('a refused body leaves the connection good for the next request', async () => {
    const socket = await RawSocket.open(stub.port)
    const large = await socket.send(publish(`"${'x'.repeat(3 * BODY_BYTES_MAX)}"`)).reply()
    expect(large?.status).toBe(413)
    expect((await socket.send(publish('nonsense')).reply())?.status).toBe(400)
    expect((await socket.send(get('/livez')).reply())?.status).toBe(200)
    socket.destroy()
  })

  test('bytes behind a request that are no request do not take its reply away', async () => {
    const socket = await RawSocket.open(stub.port)
    socket.send(Buffer.concat([get('/topics'), Buffer.from('garbage\r\n\r\n')]))
    expect((await socket.reply())?.status).toBe(200)
    expect(await socket.closed()).toBe('')
  })
})
