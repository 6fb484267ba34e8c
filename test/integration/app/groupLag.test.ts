import { expect, test } from 'vitest'
import { startInProcess } from '../../support/inProcessDaemon.ts'

async function ask(url: string, body: object): Promise<Record<string, unknown>> {
  const headers = { 'content-type': 'application/json' }
  const reply = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  expect(reply.ok, url).toBe(true)
  return (await reply.json()) as Record<string, unknown>
}

test('the metrics say how far each group is behind in each topic', async () => {
  const { url } = await startInProcess()
  const lags = async () => {
    const text = await (await fetch(`${url}/metrics`)).text()
    return text.split('\n').filter((line) => line.startsWith('goqueue_group_lag_messages'))
  }
  const messages = ['a', 'b', 'c', 'd'].map((value) => ({ value, partition: 0 }))
  await ask(`${url}/topics`, { name: 't', num_partitions: 2 })
  await ask(`${url}/topics/t/messages`, { messages })
  expect(await lags()).toEqual([])

  const member = { client_id: 'c', topics: ['t'] }
  const { member_id, generation } = await ask(`${url}/groups/reads/join`, {
    ...member,
    mode: 'offset',
  })
  const offsets = { t: { 0: 3 } }
  await ask(`${url}/groups/reads/offsets`, { member_id, generation, offsets })
  const worker = await ask(`${url}/groups/works/join`, member)
  const poll = `${url}/groups/works/poll?member_id=${worker['member_id']}&max_messages=2`
  const { messages: leased } = (await (await fetch(poll)).json()) as {
    messages: readonly { receipt_handle: string }[]
  }
  await ask(`${url}/messages/ack`, { receipt_handle: leased[1]?.receipt_handle })
  expect(await lags()).toEqual([
    'goqueue_group_lag_messages{group="reads",topic="t"} 1',
    'goqueue_group_lag_messages{group="works",topic="t"} 3',
  ])
})
