/** Replies go out of memory that is used again: not while somebody still reads from it. */
import { afterEach, expect, test } from 'vitest'
import { type HttpStub, startHttpStub } from '../../support/httpStub.ts'
import { RawSocket, rawRequest } from '../../support/httpStubSocket.ts'
import { setup } from '../delivery/setup.ts'

let stub: HttpStub | undefined
afterEach(async () => {
  await stub?.stop()
  stub = undefined
})

/** Small enough that the memory of a page of them is kept, large enough that the kernel does not take it all. */
const RECORDS = 15

const lettersOf = (body: string | undefined): string[] => {
  const { messages } = JSON.parse(body ?? '{"messages":[]}') as { messages: { value: string }[] }
  return messages.map(({ value }) => [...new Set(value)].join(''))
}

test('a reader that takes its time gets its own page, whatever others read meanwhile', async () => {
  stub = await startHttpStub()
  for (const letter of ['a', 'b']) {
    await stub.broker.createTopic(letter, { partitions: 1 })
    const value = Buffer.alloc(90_000, letter)
    for (let i = 0; i < RECORDS; i += 1) await stub.broker.publish(letter, [{ value }])
  }
  const pathOf = (letter: string) => `/topics/${letter}/partitions/0/messages?max_bytes=16000000`
  const slow = await RawSocket.open(stub.port)
  slow.socket.pause()
  let asked = 0
  // The kernel takes some megabytes of it; what comes then stays with the listener.
  while (stub.listener.stats().bytesInFlight < 1_000_000) {
    slow.send(rawRequest(`GET ${pathOf('a')}`))
    asked += 1
    await stub.ask('GET', '/livez')
  }
  for (let i = 0; i < 8; i += 1) {
    const { text } = await stub.ask('GET', pathOf('b'))
    expect(lettersOf(text)).toEqual(new Array(RECORDS).fill('b'))
  }
  slow.socket.resume()
  for (let i = 0; i < asked; i += 1) {
    expect(lettersOf((await slow.reply())?.body)).toEqual(new Array(RECORDS).fill('a'))
  }
  slow.destroy()
})

test('a reader that takes its time gets the figures of priorities of one moment', async () => {
  // Half a megabyte of figures, by a clock that stands still.
  const { stub, topic, poll } = await setup({ partitions: 1_000 })
  const { broker, listener, ask, port } = stub
  await poll()
  const publishTo = (partition: number) =>
    broker.publish(topic, [{ value: 'x', partition, priority: 0 }])
  const figures = async () => (await ask('GET', '/priority/stats')).text
  const before = await figures()
  const slow = await RawSocket.open(port)
  slow.socket.pause()
  let asked = 0
  while (listener.stats().requestsInFlight === 0) {
    slow.send(rawRequest('GET /priority/stats'))
    asked += 1
    await ask('GET', '/livez')
  }
  // At the beginning of the figures and at their end.
  for (const partition of [0, 999]) await publishTo(partition)
  const after = await figures()
  for (let i = 0; i < 8; i += 1) await figures()
  slow.socket.resume()
  for (let i = 1; i <= asked; i += 1) {
    // The last ones may have come in after the change.
    const moments = i <= asked - 2 ? [before] : [before, after]
    expect(moments.includes((await slow.reply())?.body ?? '')).toBe(true)
  }
  slow.destroy()
})
