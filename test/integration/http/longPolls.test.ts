import { afterEach, describe, expect, test } from 'vitest'
import type { HttpListenerOptions } from '../../../src/listeners/http/index.ts'
import { type Answered, type HttpStub, startHttpStub } from '../../support/httpStub.ts'
import { GatedBroker } from '../../support/httpStubBroker.ts'
import { RawSocket, rawRequest } from '../../support/httpStubSocket.ts'

let stub: HttpStub | undefined
afterEach(async () => {
  await stub?.stop()
  stub = undefined
})

async function setup(http: Partial<HttpListenerOptions> = {}) {
  const gated: GatedBroker[] = []
  stub = await startHttpStub({
    http,
    wrap: (broker) => {
      const gate = new GatedBroker(broker)
      gated.push(gate)
      return gate
    },
  })
  await stub.broker.createTopic('t', { partitions: 2 })
  return { stub, gate: gated[0] as GatedBroker }
}

const messagesOf = ({ json }: Answered) => json['messages'] as readonly { value: string }[]
const POLL = '/topics/t/partitions/0/messages?timeout=30s'
const WHOLE = '/topics/t/messages?timeout=30s'

describe('long poll', () => {
  test('of a partition is answered by the append that it waits for', async () => {
    const { stub, gate } = await setup()
    const poll = stub.ask('GET', POLL)
    await gate.waits(1)
    expect(stub.listener.stats()).toMatchObject({ longPollsWaiting: 1, requestsInFlight: 1 })
    await stub.broker.publish('t', [{ value: 'elsewhere', partition: 1 }])
    await stub.broker.publish('t', [{ value: 'here', partition: 0 }])
    expect(messagesOf(await poll)).toMatchObject([{ offset: 0, value: 'here' }])
    expect(stub.listener.stats().longPollsWaiting).toBe(0)
  })

  test('of a topic is answered by an append to any partition', async () => {
    const { stub, gate } = await setup()
    const poll = stub.ask('GET', WHOLE)
    await gate.waits(1)
    await stub.broker.publish('t', [{ value: 'there', partition: 1 }])
    const first = await poll
    expect(messagesOf(first)).toMatchObject([{ partition: 1, value: 'there' }])
    const next = stub.ask('GET', `${WHOLE}&cursor=${first.json['cursor']}`)
    await gate.waits(2)
    await stub.broker.publish('t', [{ value: 'more', partition: 0 }])
    expect(messagesOf(await next)).toMatchObject([{ partition: 0, value: 'more' }])
  })

  test('at the end, or from a time to come, waits for the next record', async () => {
    const { stub, gate } = await setup()
    await stub.broker.publish('t', [{ value: 'old', partition: 0 }])
    const latest = stub.ask('GET', `${POLL}&offset=latest`)
    const future = stub.ask('GET', `${POLL}&from_time=2999-01-01T00:00:00Z`)
    await gate.waits(2)
    await stub.broker.publish('t', [{ value: 'new', partition: 0 }])
    expect(messagesOf(await latest)).toMatchObject([{ offset: 1, value: 'new' }])
    expect(messagesOf(await future)).toMatchObject([{ offset: 1, value: 'new' }])
  })

  test('does not wait where there is something, nor without being told to', async () => {
    const { stub } = await setup()
    expect(messagesOf(await stub.ask('GET', '/topics/t/partitions/0/messages'))).toEqual([])
    await stub.broker.publish('t', [{ value: 'a', partition: 0 }])
    expect(messagesOf(await stub.ask('GET', POLL))).toHaveLength(1)
  })

  test('comes back empty when the time is up', async () => {
    const { stub } = await setup()
    const { status, json } = await stub.ask('GET', '/topics/t/partitions/0/messages?timeout=5ms')
    expect([status, json]).toEqual([200, { messages: [], next_offset: 0, high_watermark: 0 }])
  })

  test('is one of five hundred without their waking each other', async () => {
    const { stub, gate } = await setup()
    const sockets = await Promise.all(Array.from({ length: 50 }, () => RawSocket.open(stub.port)))
    // Ten polls over each connection, one behind the other: no listener is added for each.
    const warnings: Error[] = []
    const onWarning = (warning: Error): void => void warnings.push(warning)
    process.on('warning', onWarning)
    for (const socket of sockets) {
      socket.send(Buffer.concat(Array.from({ length: 10 }, () => rawRequest(`GET ${POLL}`))))
    }
    await gate.waits(500)
    expect(stub.listener.stats().longPollsWaiting).toBe(500)
    await stub.broker.publish('t', [{ value: 'a', partition: 1 }])
    expect(stub.listener.stats().longPollsWaiting).toBe(500)
    await stub.broker.publish('t', [{ value: 'b', partition: 0 }])
    for (const socket of sockets) {
      for (let i = 0; i < 10; i += 1) expect((await socket.reply())?.body).toContain('"b"')
      socket.destroy()
    }
    process.off('warning', onWarning)
    expect(warnings).toEqual([])
  })

  test('over the limit is refused and told to come back', async () => {
    const { stub, gate } = await setup({ longPollsMax: 1 })
    const first = stub.ask('GET', POLL)
    await gate.waits(1)
    const refused = await stub.ask('GET', POLL)
    expect([refused.status, refused.json['code']]).toEqual([503, 'TOO_MANY_WAITERS'])
    expect(refused.headers.get('retry-after')).toBe('1')
    await stub.broker.publish('t', [{ value: 'a', partition: 0 }])
    expect((await first).status).toBe(200)
  })

  test('of a client that is gone waits no longer', async () => {
    const { stub, gate } = await setup()
    const socket = await RawSocket.open(stub.port)
    socket.send(rawRequest(`GET ${POLL}`))
    await gate.waits(1)
    expect(stub.broker.load().waiters).toBe(1)
    socket.socket.resetAndDestroy()
    while (stub.broker.load().waiters > 0) await stub.ask('GET', '/livez')
    expect(stub.listener.stats().longPollsWaiting).toBe(0)
  })

  test('of a client that has closed its side is answered at once with nothing', async () => {
    const { stub, gate } = await setup()
    const socket = await RawSocket.open(stub.port)
    socket.send(rawRequest(`GET ${POLL}`))
    await gate.waits(1)
    const reply = await socket.halfClose().reply()
    expect([reply?.status, JSON.parse(reply?.body ?? '')]).toEqual([
      200,
      { messages: [], next_offset: 0, high_watermark: 0 },
    ])
    await socket.closed()
    const early = await RawSocket.open(stub.port)
    early.send(rawRequest(`GET ${POLL}`)).halfClose()
    expect((await early.reply())?.status).toBe(200)
  })

  test('on a topic that is deleted meanwhile is told so', async () => {
    const { stub, gate } = await setup()
    const poll = stub.ask('GET', POLL)
    await gate.waits(1)
    await stub.broker.deleteTopic('t')
    const { status, json } = await poll
    expect([status, json['code']]).toEqual([404, 'TOPIC_NOT_FOUND'])
  })
})
