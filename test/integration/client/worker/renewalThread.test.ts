/** The thread that renews leases, against brokers that hang up. */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { LeaseKeeper } from '../../../../src/client/worker/leaseKeeper.ts'
import type { RenewalNews } from '../../../../src/client/worker/renewalThread.ts'

/** Takes connections and ends each at once. */
async function rudeServer(): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.end()
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function keeper(url: string, onNews: (news: RenewalNews) => void = () => undefined): LeaseKeeper {
  const kept = new LeaseKeeper({
    ...{ url, group: 'g', topics: ['t'], slots: 4, onNews },
    ...{ leaseMs: 30_000, maxRuntimeMs: 60_000, sessionTimeoutMs: 30_000 },
  })
  onTestFinished(() => kept.stop())
  return kept
}

describe('lease keeper', () => {
  test('starts also where its first connection is ended before it has asked anything', async () => {
    const url = await rudeServer()
    // It went wrong most times, not each time.
    await Promise.all(Array.from({ length: 4 }, () => keeper(url).start()))
  })

  test('a stop while it starts ends the start', async () => {
    const kept = keeper(await rudeServer())
    const starting = kept.start()
    const ended = expect(starting).rejects.toThrow('before it began')
    await kept.stop()
    await ended
  })
})
