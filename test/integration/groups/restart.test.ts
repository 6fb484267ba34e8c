/** Groups of a daemon with a directory: what another life of it finds. */
import { describe, expect, test } from 'vitest'
import { type InProcessDaemon, startInProcess } from '../../support/inProcessDaemon.ts'

async function ask(daemon: InProcessDaemon, method: string, path: string, json?: object) {
  const response = await fetch(`${daemon.url}${path}`, {
    method,
    ...(json === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(json) }),
  })
  return { status: response.status, json: (await response.json()) as Record<string, unknown> }
}

const topics = ['orders']

describe('a restart of the broker', () => {
  test('keeps groups, members, generation and floors', async () => {
    const first = await startInProcess()
    await ask(first, 'POST', '/topics', { name: 'orders', num_partitions: 4 })
    const messages = Array.from({ length: 8 }, (_, i) => ({ value: `${i}`, partition: i % 4 }))
    await ask(first, 'POST', '/topics/orders/messages', { messages })
    const join = { client_id: 'c', topics, mode: 'offset' }
    for (const member_id of ['a', 'b']) {
      await ask(first, 'POST', '/groups/billing/join', { ...join, member_id })
    }
    const offsets = { orders: { '2': 1, '3': 2 } }
    const commit = { member_id: 'b', generation: 2, offsets }
    await ask(first, 'POST', '/groups/billing/offsets', commit)
    await first.stop()

    const second = await startInProcess({ dataDir: first.dataDir })
    expect((await ask(second, 'GET', '/groups')).json).toEqual({ groups: ['billing'] })
    expect((await ask(second, 'GET', '/groups/billing')).json).toMatchObject({
      state: 'rebalancing',
      mode: 'offset',
      generation: 2,
      members: [
        { member_id: 'a', assigned_partitions: ['orders-0', 'orders-1'] },
        { member_id: 'b', assigned_partitions: ['orders-2', 'orders-3'] },
      ],
      lag: { orders: { '0': 2, '1': 2, '2': 1, '3': 0 } },
    })
    const beat = await ask(second, 'POST', '/groups/billing/heartbeat', {
      member_id: 'a',
      generation: 2,
    })
    expect(beat.json).toMatchObject({ state: 'rebalancing', generation: 2 })
    const poll = await ask(second, 'GET', '/groups/billing/poll?member_id=b&timeout=0')
    expect(poll.json).toMatchObject({ messages: [{ partition: 2, offset: 1 }] })
    expect((await ask(second, 'GET', '/groups/billing')).json).toMatchObject({ state: 'stable' })
    const again = await ask(second, 'POST', '/groups/billing/join', { ...join, member_id: 'a' })
    expect(again.json).toMatchObject({ generation: 2 })
  })

  test('answers a poll that waits, and takes the member back without a rebalance', async () => {
    const first = await startInProcess()
    await ask(first, 'POST', '/topics', { name: 'orders', num_partitions: 1 })
    await ask(first, 'POST', '/groups/g/join', { client_id: 'c', topics, member_id: 'a' })
    const waiting = ask(first, 'GET', '/groups/g/poll?member_id=a&timeout=60s')
    await polled(first)
    await first.stop()
    expect(await waiting).toEqual({
      status: 200,
      json: { messages: [], rebalance_required: false },
    })
    const second = await startInProcess({ dataDir: first.dataDir })
    const poll = await ask(second, 'GET', '/groups/g/poll?member_id=a&timeout=0&generation=1')
    expect(poll.json).toEqual({ messages: [], rebalance_required: false })
  })
})

/** Until the daemon says that a long poll waits. */
async function polled(daemon: InProcessDaemon): Promise<void> {
  for (;;) {
    const metrics = await (await fetch(`${daemon.url}/metrics`)).text()
    if (/^goqueue_waiters 1$/m.test(metrics)) return
  }
}
