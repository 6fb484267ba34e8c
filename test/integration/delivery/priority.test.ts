import { describe, expect, test } from 'vitest'
import { PRIORITIES } from '../../../src/kernel/priority.ts'
import { handle, handles, setup } from './setup.ts'

type Home = Awaited<ReturnType<typeof setup>>

const LETTERS = 'chnlb'

const publish = async ({ post }: Home, letters: string): Promise<void> => {
  const messages = [...letters].map((value) => ({
    ...{ value, partition: 0, priority: PRIORITIES[LETTERS.indexOf(value)] },
  }))
  await post('/topics/t/messages', { messages, acks: 'leader' })
}

describe('GET /priority/stats', () => {
  test('says what lies in each lane, what is held, and how fast it goes', async () => {
    const home = await setup()
    await home.poll()
    await publish(home, 'cchnb')
    home.clock.advance(2_000)
    const handed = await home.poll({ max_messages: 3 })
    await home.say('ack', { receipt_handles: handles(handed.slice(0, 1)) })
    const stats = await home.get('/priority/stats')
    expect(stats).toMatchObject({
      messages_by_priority: { critical: 0, high: 0, normal: 1, low: 0, background: 1 },
      in_flight_by_priority: { critical: 1, high: 1, normal: 0, low: 0, background: 0 },
      avg_wait_time_by_priority: { critical: '2s', high: '2s', normal: '0ms' },
      served_share_by_priority: { critical: 0.667, high: 0.333, normal: 0 },
      weights: { critical: 50, high: 25, normal: 15, low: 7, background: 3 },
      groups: { g: { boost: '30s', low_lanes_share_max: 0.75, in_flight: { critical: 1 } } },
    })
    expect(stats['topics']).toMatchObject({
      t: {
        0: {
          critical: {
            ...{ ready: 0, in_flight: 1, dequeue_rate: 0.2 },
            ...{ enqueue_rate: 0.164, last_served_at: expect.any(String) },
          },
          background: { ready: 1, in_flight: 0, dequeue_rate: 0, last_served_at: null },
        },
      },
    })
  })

  test('counts retries as ready again', async () => {
    const home = await setup()
    await home.poll()
    await publish(home, 'lb')
    const handed = await home.poll()
    await home.say('nack', { receipt_handles: handles(handed), delay: '1s' })
    const ready = async () => (await home.get('/priority/stats'))['messages_by_priority']
    expect(await ready()).toMatchObject({ low: 0, background: 0 })
    home.clock.advance(1_000)
    expect(await ready()).toMatchObject({ low: 1, background: 1 })
  })
})

describe('what comes again or comes later', () => {
  test('is handed out in the lane it was published in', async () => {
    const home = await setup()
    const later = { value: 'later', partition: 0, priority: 'critical', delay: '5s' }
    await home.post('/topics/t/messages', { messages: [later] })
    await publish(home, 'hbbb')
    const [high, ...others] = await home.poll({ max_messages: 3 })
    expect([high, ...others].map((each) => each?.value).join('')).toBe('hbb')
    await home.say('nack', { receipt_handle: high?.receipt_handle, delay: '5s' })
    await publish(home, 'nn')
    home.clock.advance(4_999)
    await home.say('ack', { receipt_handles: handles(others) })
    expect((await home.poll({ max_messages: 1 })).map(({ value }) => value)).toEqual(['n'])
    home.clock.advance(1)
    await soon(async () => {
      const stats = await home.get('/priority/stats')
      return JSON.stringify(stats['messages_by_priority']).startsWith('{"critical":1,"high":1')
    })
    const values = (await home.poll()).map(({ value }) => value)
    expect(values).toEqual(['later', 'h', 'n', 'b'])
  })

  test('is critical again after it was redriven', async () => {
    const home = await setup()
    await publish(home, 'cb')
    await home.say('reject', { receipt_handle: handle(await home.poll({ max_messages: 1 })) })
    await soon(async () => (await home.get('/reliability/stats'))['dlq_messages'] === 1)
    await home.post('/topics/t/dlq/redrive', { rate: 10_000 })
    await soon(async () => {
      home.clock.advance(10)
      const stats = await home.get('/priority/stats')
      return JSON.stringify(stats['messages_by_priority']).startsWith('{"critical":1')
    })
    expect((await home.poll()).map(({ value }) => value).join('')).toBe('cb')
  })
})

/** Asks again until it holds; for what happens a moment later, never for time. */
async function soon(holds: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 500; turn += 1) {
    if (await holds()) return
    await new Promise(setImmediate)
  }
  throw new Error('it did not come to hold')
}

describe('the weights of a group', () => {
  test('are set under the names of the lanes, and counted by', async () => {
    const home = await setup()
    const patch = async (json: object) =>
      await home.stub.ask('PATCH', '/groups/g/delivery', { json })
    const weights = { critical: 1, high: 1, normal: 1, low: 1, background: 1 }
    expect((await patch({ priority_weights: weights, priority_boost: '5s' })).json).toMatchObject({
      set: { priority_weights: weights, priority_boost: '5s' },
      in_force: { low_lanes_share_max: 0.75 },
    })
    await publish(home, 'cccchhhhnnnnllllbbbb')
    const values = (await home.poll({ max_messages: 10 })).map(({ value }) => value)
    expect(values.join('')).toBe('cchhnnllbb')
    expect((await patch({ priority_weights: null })).json['set']).not.toHaveProperty(
      'priority_weights',
    )
  })

  test('are refused where they are none', async () => {
    const { stub } = await setup()
    const patch = async (json: object) => {
      const answer = await stub.ask('PATCH', '/groups/g/delivery', { json })
      return [answer.status, Object.keys(answer.json['fields'] ?? {})]
    }
    const weights = { critical: 1, high: 1, normal: 1, low: 1, background: 0 }
    expect(await patch({ priority_weights: weights })).toEqual([422, ['priority_weights']])
    expect((await patch({ priority_weights: { critical: 1 } }))[0]).toBeGreaterThanOrEqual(400)
    expect(await patch({ low_lanes_share_max: 1.5 })).toEqual([422, ['low_lanes_share_max']])
  })
})
