/** What the listener does when it has enough, and when it is time to stop. */
import { afterEach, describe, expect, test } from 'vitest'
import type { HttpListenerOptions } from '../../../src/listeners/http/index.ts'
import { FakeClock } from '../../support/fakeClock.ts'
import { type HttpStub, startHttpStub } from '../../support/httpStub.ts'
import { GatedBroker } from '../../support/httpStubBroker.ts'
import { exchange, RawSocket, rawRequest } from '../../support/httpStubSocket.ts'

let stub: HttpStub | undefined
afterEach(async () => {
  await stub?.stop()
  stub = undefined
})

async function setup(http: Partial<HttpListenerOptions> = {}, clock?: FakeClock) {
  const gated: GatedBroker[] = []
  stub = await startHttpStub({
    http,
    ...(clock === undefined ? {} : { clock }),
    wrap: (broker) => {
      const gate = new GatedBroker(broker)
      gated.push(gate)
      return gate
    },
  })
  await stub.broker.createTopic('t', { partitions: 1 })
  return { stub, gate: gated[0] as GatedBroker }
}

const JSON_TYPE = 'content-type: application/json'
const PUBLISH = { json: { messages: [{ value: 'v' }] } }
const RAW_PUBLISH = rawRequest('POST /topics/t/messages', [JSON_TYPE], JSON.stringify(PUBLISH.json))
const POLL = '/topics/t/partitions/0/messages?timeout=30s'

describe('limit', () => {
  test('of requests: one more is told to come back, health is not', async () => {
    const { stub, gate } = await setup({ requestsMax: 1 })
    const release = gate.hold()
    const first = stub.ask('POST', '/topics/t/messages', PUBLISH)
    await gate.publishes(1)
    const refused = await stub.ask('GET', '/topics')
    expect([refused.status, refused.json['code']]).toEqual([503, 'BROKER_OVERLOADED'])
    expect(refused.headers.get('retry-after')).toBe('1')
    expect((await stub.ask('GET', '/readyz')).status).toBe(200)
    release()
    expect((await first).status).toBe(200)
    expect((await stub.ask('GET', '/topics')).status).toBe(200)
  })

  test('of connections: one more is answered and closed', async () => {
    const { stub } = await setup({ connectionsMax: 1 })
    const first = await RawSocket.open(stub.port)
    expect((await first.send(rawRequest('GET /topics')).reply())?.status).toBe(200)
    const second = await RawSocket.open(stub.port)
    const reply = await second.reply()
    expect(reply?.status).toBe(503)
    expect(JSON.parse(reply?.body ?? '')).toMatchObject({
      code: 'BROKER_OVERLOADED',
      retryable: true,
    })
    await second.closed()
    expect(stub.listener.stats().connectionsRefused).toBe(1)
    first.destroy()
  })

  test('of bytes: bodies on their way in are refused while others fill it', async () => {
    const { stub, gate } = await setup({ bytesInFlightMax: 100_000 })
    const release = gate.hold()
    const large = { json: { messages: [{ value: 'x'.repeat(60_000) }] } }
    const first = stub.ask('POST', '/topics/t/messages', large)
    await gate.publishes(1)
    const refused = await stub.ask('POST', '/topics/t/messages', large)
    expect([refused.status, refused.json['code']]).toEqual([503, 'BROKER_OVERLOADED'])
    release()
    expect((await first).status).toBe(200)
    expect((await stub.ask('POST', '/topics/t/messages', large)).status).toBe(200)
    while (stub.listener.stats().bytesInFlight > 0) await stub.ask('GET', '/livez')
  })

  test('of bytes: readers that do not take their replies cost no more than it', async () => {
    const { stub } = await setup({ bytesInFlightMax: 8_000_000 })
    const value = Buffer.alloc(900_000, 'x')
    for (let i = 0; i < 8; i += 1) await stub.broker.publish('t', [{ value }])
    const reads = rawRequest('GET /topics/t/partitions/0/messages?max_bytes=16000000')
    const slow = await Promise.all(Array.from({ length: 4 }, () => RawSocket.open(stub.port)))
    for (const { socket } of slow) socket.pause()
    // The kernel takes some megabytes of each connection; what comes then stays with the listener.
    while (stub.listener.stats().bytesInFlight < 4_000_000) {
      for (const socket of slow) socket.send(reads)
      await stub.ask('GET', '/livez')
    }
    for (const socket of [...slow, ...slow, ...slow]) {
      await stub.ask('GET', '/livez')
      socket.send(reads)
      expect(stub.listener.stats().bytesInFlight).toBeLessThanOrEqual(8_000_000)
    }
    for (const socket of slow) socket.destroy()
    while (stub.listener.stats().bytesInFlight > 0) await stub.ask('GET', '/livez')
    expect((await stub.ask('GET', '/topics/t/partitions/0/messages')).status).toBe(200)
  })

  test('a reply that was cut off was counted as delivered', async () => {
    const { stub } = await setup()
    const value = Buffer.alloc(900_000, 'x')
    for (let i = 0; i < 8; i += 1) await stub.broker.publish('t', [{ value }])
    const path = '/topics/t/partitions/0/messages'
    const route = '/topics/:topic/partitions/:partition/messages'
    const counted = () => stub.listener.stats().routes.find((each) => each.path === route)?.requests
    const reader = await RawSocket.open(stub.port)
    reader.socket.pause()
    while (stub.listener.stats().bytesInFlight < 4_000_000) {
      reader.send(rawRequest(`GET ${path}?max_bytes=16000000`))
      await stub.ask('GET', '/livez')
    }
    reader.destroy()
    while (stub.listener.stats().bytesInFlight > 0) await stub.ask('GET', '/livez')
    expect(counted()?.aborted).toBeGreaterThan(0)

    const before = counted()
    const last = await RawSocket.open(stub.port)
    await last.send(rawRequest(`GET ${path}?limit=1`, ['connection: close'])).closed()
    while (counted()?.['2xx'] === before?.['2xx']) await stub.ask('GET', '/livez')
    expect(counted()?.aborted).toBe(before?.aborted)
  })

  test('of time to arrive: a request that dawdles is answered 408', async () => {
    const { stub } = await setup({ requestTimeoutMs: 100 })
    const body = await RawSocket.open(stub.port)
    body.send('POST /topics/t/messages HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n')
    const reply = await body.reply()
    expect(reply?.status).toBe(408)
    expect(JSON.parse(reply?.body ?? '')).toMatchObject({
      code: 'REQUEST_TIMED_OUT',
      retryable: true,
    })
    await body.closed()
  })

  test('of time to answer: who waits for longer hears so, and the late answer goes nowhere', async () => {
    const clock = new FakeClock()
    const { stub, gate } = await setup({ answerTimeoutMs: 1000 }, clock)
    const release = gate.hold()
    const late = stub.ask('POST', '/topics/t/messages', PUBLISH)
    await gate.publishes(1)
    clock.advance(900)
    const later = stub.ask('POST', '/topics/t/messages', PUBLISH)
    await gate.publishes(2)
    clock.advance(200)
    const reply = await late
    expect([reply.status, reply.json['code']]).toEqual([408, 'REQUEST_TIMED_OUT'])
    release()
    expect((await later).status).toBe(200)
  })

  test('of time to answer: a poll that waits is not late, and nothing ticks meanwhile', async () => {
    const clock = new FakeClock()
    const { stub, gate } = await setup({ answerTimeoutMs: 1000 }, clock)
    const poll = stub.ask('GET', POLL)
    await gate.waits(1)
    clock.advance(20_000)
    // The first look may have left one sweep behind; then only the poll's own timer is left.
    expect(clock.firedTimers).toBeLessThan(3)
    clock.advance(10_000)
    expect((await poll).json['messages']).toEqual([])
  })
})

describe('stopping', () => {
  test('answers polls, finishes what is under way, refuses what is new, closes the rest', async () => {
    const { stub, gate } = await setup()
    const release = gate.hold()
    const idle = await RawSocket.open(stub.port)
    await idle.send(rawRequest('GET /livez')).reply()
    const halfHead = await RawSocket.open(stub.port)
    halfHead.send('GET /topics HT')
    const poll = await RawSocket.open(stub.port)
    poll.send(rawRequest(`GET ${POLL}`))
    await gate.waits(1)
    const publish = await RawSocket.open(stub.port)
    publish.send(RAW_PUBLISH)
    await gate.publishes(1)

    const stopped = stub.listener.stop()
    const answered = await poll.reply()
    expect(answered?.status).toBe(200)
    expect(answered?.head).toMatch(/connection: close/i)
    await idle.closed()
    // On a connection that is still open because it has something under way.
    publish.send(rawRequest('GET /topics'))
    release()
    const published = await publish.reply()
    expect(published?.status).toBe(200)
    expect(published?.head).toMatch(/connection: close/i)
    await stopped
    await halfHead.closed()
    await expect(RawSocket.open(stub.port)).rejects.toThrow('ECONNREFUSED')
    expect((await stub.broker.read('t', 0)).count).toBe(1)
  })

  test('refuses new requests on a connection that has one under way', async () => {
    const { stub, gate } = await setup()
    const release = gate.hold()
    const socket = await RawSocket.open(stub.port)
    socket.send(Buffer.concat([RAW_PUBLISH, RAW_PUBLISH]))
    await gate.publishes(2)
    const stopped = stub.listener.stop()
    const ready = stub.listener.stats().requestsInFlight
    expect(ready).toBe(2)
    release()
    expect((await socket.reply())?.status).toBe(200)
    await stopped
  })

  test('waits for nobody longer than it is told to', async () => {
    const { stub, gate } = await setup({ stopTimeoutMs: 50 })
    const release = gate.hold()
    const socket = await RawSocket.open(stub.port)
    socket.send(RAW_PUBLISH)
    await gate.publishes(1)
    const body = await RawSocket.open(stub.port)
    body.send('POST /topics/t/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n')
    await stub.listener.stop()
    expect(await socket.closed()).toBe('')
    expect(await body.closed()).toBe('')
    release()
  })

  test('may be asked for twice, at once, before the start and after', async () => {
    const { stub } = await setup()
    await Promise.all([stub.listener.stop(), stub.listener.stop()])
    await stub.listener.stop()
    await expect(exchange(stub.port, rawRequest('GET /livez'))).rejects.toThrow('ECONNREFUSED')
    await expect(stub.listener.start()).rejects.toThrow('stopped')
  })

  test('frees the port, and a port that is taken is said to be', async () => {
    const { stub: first } = await setup()
    const { port } = first
    await expect(startHttpStub({ http: { port } })).rejects.toThrow('EADDRINUSE')
    await first.stop()
    const second = await startHttpStub({ http: { port } })
    expect((await second.ask('GET', '/livez')).status).toBe(200)
    await second.stop()
  })
})

describe('starting', () => {
  test('a broker that still recovers answers health and refuses work', async () => {
    const setup = await startHttpStub({
      wrap: (broker) => ({
        call: (name, input, caller) => broker.call(name, input, caller),
        status: () => ({ ...broker.status(), state: 'starting' }),
      }),
      parts: { health: undefined },
    })
    expect((await setup.ask('GET', '/livez')).status).toBe(200)
    const ready = await setup.ask('GET', '/readyz')
    expect([ready.status, ready.json['message']]).toEqual([503, 'starting'])
    await setup.stop()
  })
})
