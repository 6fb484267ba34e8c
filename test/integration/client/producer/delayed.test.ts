/** Messages for later, from the producer to the topic, over a daemon. */
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  type Asker,
  BrokerError,
  Client,
  type ConsumedMessage,
  type Message,
  Producer,
} from '../../../../src/client/index.ts'
import { startInProcess } from '../../../support/inProcessDaemon.ts'

async function setup(partitions = 1) {
  const daemon = await startInProcess()
  const client = new Client({ url: daemon.url })
  onTestFinished(() => client.close())
  await client.admin.createTopic({ name: 't', partitions })
  return { daemon, client, producer: client.producer() }
}

/** The first `count` messages of topic `t`, in the order of their delivery. */
async function delivered(client: Client, count: number): Promise<ConsumedMessage[]> {
  const consumer = client.consumer({ topic: 't', from: 'earliest' })
  const seen: ConsumedMessage[] = []
  for await (const message of consumer) if (seen.push(message) === count) break
  await consumer.close()
  return seen
}

const soon = (nth: number, delayMs: number): Message => ({
  topic: 't',
  value: `${nth}`,
  key: `key ${nth}`,
  headers: { nth: `${nth}` },
  priority: nth % 2 === 0 ? 'critical' : 'low',
  delayMs,
})

describe('messages for later', () => {
  test('come once each, none early, by their time, with all that they had', async () => {
    const { client, producer } = await setup()
    const delays = [400, 100, 300, 200, 0]
    const sent = await Promise.all(delays.map((ms, nth) => producer.send(soon(nth, ms))))
    expect(sent.map((each) => each.delayed === true)).toEqual([true, true, true, true, false])
    const seen = await delivered(client, 5)
    expect(seen.map((message) => message.text())).toEqual(['4', '1', '3', '2', '0'])
    for (const message of seen) {
      const nth = Number(message.text())
      expect(message.keyText()).toBe(`key ${nth}`)
      expect(message.headers).toEqual({ nth: `${nth}` })
      expect(message.priority).toBe(nth % 2 === 0 ? 'critical' : 'low')
      expect(message.deliverAt).toBe(sent[nth]?.deliverAt)
      expect(message.timestamp).toBeGreaterThanOrEqual(message.deliverAt ?? 0)
    }
    expect((await client.admin.describeTopic('t')).total_messages).toBe(5)
  })

  test('are listed, cancelled and put off by what their delivery says', async () => {
    const { client, producer } = await setup(3)
    const { delayed } = client
    const sent = await Promise.all(
      [1, 2, 3].map((hours, nth) => producer.send(soon(nth, hours * 3_600_000))),
    )
    const [first, second, third] = sent
    if (!first || !second || !third) throw new Error('three were sent')
    await delayed.cancel(first)
    await delayed.cancel(first)
    await delayed.reschedule(second, { delay: '1d' })
    const listed: object[] = []
    for await (const { partition, offset, deliver_at } of delayed.list('t')) {
      listed.push({ partition, offset, deliverAt: Date.parse(deliver_at) })
    }
    expect(listed[0]).toEqual({
      partition: third.partition,
      offset: third.offset,
      deliverAt: third.deliverAt,
    })
    expect(listed).toHaveLength(2)
    expect((await delayed.get(first)).state).toBe('cancelled')
    await delayed.reschedule(second, { delay: 0 })
    const [message] = await delivered(client, 1)
    expect(message?.text()).toBe('1')
    await expect(delayed.cancel(second)).rejects.toMatchObject({ code: 'ALREADY_DELIVERED' })
    const nowhere = { topic: 't', partition: 0, offset: 99 }
    await expect(delayed.get(nowhere)).rejects.toMatchObject({ code: 'DELAYED_NOT_FOUND' })
    await expect(delayed.reschedule(third, {})).rejects.toMatchObject({ code: 'INVALID_REQUEST' })
    await vi.waitFor(async () => {
      const stats = await delayed.stats()
      expect(stats).toMatchObject({ pending_count: 1, cancelled_count: 1, delivered_count: 1 })
    })
  })

  test('are listed page by page, within the bounds of time that were asked for', async () => {
    const { client, producer } = await setup()
    const dueMs = Date.UTC(2100, 0, 1)
    await producer.sendBatch(
      Array.from({ length: 25 }, (_, i) => ({ topic: 't', value: '', deliverAt: dueMs + i })),
    )
    const { delayed } = client
    const first = await delayed.page('t', {}, { limit: 10 })
    expect(first.messages).toHaveLength(10)
    const second = await delayed.page('t', {}, { limit: 100, cursor: first.cursor })
    expect(second.messages).toHaveLength(15)
    const bounded = await delayed.page('t', { from: new Date(dueMs + 5), to: dueMs + 8 })
    expect(bounded.messages.map(({ offset }) => offset)).toEqual([5, 6, 7])
    const last = await delayed.page('t', { from: dueMs + 25 })
    expect(last).toEqual({ messages: [], cursor: undefined })
  })

  test('are kept once where the answer was lost and the batch was sent again', async () => {
    const { client } = await setup()
    let lost = 0
    const forgetful: Asker = {
      async ask(ask) {
        const answer = await client.connection.ask(ask)
        if (ask.raw === undefined || lost === 5) return answer
        lost += 1
        throw new BrokerError('OUTCOME_UNKNOWN', 'the answer was lost')
      },
    }
    const producer = new Producer(forgetful, { batchMessages: 3, retryBackoffMs: 1 })
    const later = (i: number) => ({
      topic: 't',
      value: `${i}`,
      deliverAt: Date.UTC(2100, 0, 1) + i,
    })
    const sent = await producer.sendBatch(Array.from({ length: 30 }, (_, i) => later(i)))
    await producer.close()
    expect(lost).toBe(5)
    const { messages } = await client.delayed.page('t', {}, { limit: 100 })
    expect(messages.map(({ offset }) => offset)).toEqual(Array.from({ length: 30 }, (_, i) => i))
    expect(sent.positions().map(({ offset }) => offset)).toEqual(messages.map((m) => m.offset))
  })

  test('by the thousand are all delivered, each once, while others are published', async () => {
    const { client, producer } = await setup(3)
    const messages = Array.from({ length: 4_000 }, (_, i) => ({
      topic: 't',
      value: `${i}`,
      ...(i % 2 === 0 ? { delayMs: 20 + (i % 500) } : {}),
    }))
    const delivery = await producer.sendBatch(messages)
    expect(delivery.positions().filter((each) => each.delayed)).toHaveLength(2_000)
    const seen = await delivered(client, 4_000)
    expect(new Set(seen.map((message) => message.text())).size).toBe(4_000)
    expect((await client.admin.describeTopic('t')).total_messages).toBe(4_000)
  })

  test('that are critical come to a worker before what waits there already', async () => {
    const { client, producer } = await setup()
    const crowd = Array.from({ length: 200 }, (_, i) => ({ topic: 't', value: `crowd ${i}` }))
    await producer.sendBatch(crowd.map((message) => ({ ...message, priority: 'background' })))
    await producer.send({ topic: 't', value: 'urgent', priority: 'critical', delayMs: 30 })
    await vi.waitFor(async () => {
      expect((await client.delayed.stats()).delivered_count).toBe(1)
    })
    const order: string[] = []
    const worker = client.worker({
      group: 'g',
      topics: ['t'],
      concurrency: 1,
      untilEmpty: true,
      handler: async (message) => void order.push(message.text()),
    })
    await worker.run()
    expect(order).toHaveLength(201)
    expect(order.indexOf('urgent')).toBeLessThan(3)
  })
})
