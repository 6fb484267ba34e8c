/** How a reply gets from the listener to the kernel. */
import { Socket } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startHttpStub } from '../../support/httpStub.ts'
import { RawSocket, rawRequest } from '../../support/httpStubSocket.ts'

const open = async () => {
  const stub = await startHttpStub()
  onTestFinished(() => stub.stop())
  await stub.broker.createTopic('t', { partitions: 1 })
  const socket = await RawSocket.open(stub.port)
  onTestFinished(() => socket.destroy())
  return { stub, socket }
}

test('a small reply is one write, without the empty piece that Node puts behind it', async () => {
  const { socket } = await open()
  const gathered = vi.spyOn(Socket.prototype, '_writev')
  const json = JSON.stringify({ messages: [{ value: 'a' }] })
  socket.send(rawRequest('POST /topics/t/messages', ['content-type: application/json'], json))
  expect((await socket.reply())?.status).toBe(200)
  socket.send(rawRequest('GET /topics/t/partitions/0/messages?offset=0'))
  expect((await socket.reply())?.body).toContain('"value":"a"')
  expect(gathered).not.toHaveBeenCalled()
})

test('replies that have gathered arrive whole and in order', async () => {
  const { stub, socket } = await open()
  await stub.broker.publish('t', [{ value: Buffer.alloc(300_000, 'v') }])
  const asked = 40
  const read = rawRequest('GET /topics/t/partitions/0/messages?offset=0')
  socket.socket.pause()
  for (let i = 0; i < asked; i += 1) socket.send(read, rawRequest('GET /livez'))
  socket.socket.resume()
  for (let i = 0; i < asked; i += 1) {
    expect((await socket.reply())?.body).toContain('v'.repeat(300_000))
    expect((await socket.reply())?.body).toContain('"status"')
  }
})
