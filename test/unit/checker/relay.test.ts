import { connect, createServer, type Server } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Relay, type Weather } from '../../checker/brokers/relay.ts'
import { SeededRandom } from '../../support/random.ts'

/** A relay in front of a server that sends back what it gets. */
async function echoing(weather: Weather | undefined): Promise<Relay> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.pipe(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const relay = await Relay.start(new SeededRandom(1))
  onTestFinished(async () => {
    await relay.close()
    server.close()
  })
  const address = server.address()
  relay.target = typeof address === 'object' ? address?.port : undefined
  relay.weather = weather
  return relay
}

/** What comes back of `sent` until the connection ends, or all of it has. */
function exchange(relay: Relay, sent: Buffer): Promise<Buffer> {
  return new Promise((resolve) => {
    let received = Buffer.alloc(0)
    const socket = connect(Number(new URL(relay.url).port), '127.0.0.1')
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(received))
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      if (received.length === sent.length) socket.destroy()
    })
    socket.write(sent)
  })
}

const SENT = Buffer.from(Array.from({ length: 5000 }, (_, i) => i % 251))

describe('Relay', () => {
  test('carries what comes as it is, in good weather and in slow one', async () => {
    expect(await exchange(await echoing(undefined), SENT)).toEqual(SENT)
    const slow = { delayMsMax: 1, chunkBytesMax: 700, cutShare: 0 }
    expect(await exchange(await echoing(slow), SENT)).toEqual(SENT)
  })

  test('cuts a connection within what it carries: a part of it may arrive, nothing else', async () => {
    const relay = await echoing({ delayMsMax: 0, chunkBytesMax: 100, cutShare: 0.2 })
    const received = await exchange(relay, SENT)
    expect(received.length).toBeLessThan(SENT.length)
    expect(received).toEqual(SENT.subarray(0, received.length))
  })

  test('ends connections at once while the broker is down', async () => {
    const relay = await echoing(undefined)
    relay.target = undefined
    expect(await exchange(relay, SENT)).toHaveLength(0)
  })
})
