/** Dead letters over HTTP: listed, brought back, and how a redrive ends. */
import { describe, expect, test } from 'vitest'
import type { DeadLettersReply, TaskReply } from '../../../src/api/index.ts'
import { handle, handles, setup as jsonSetup } from './setup.ts'

async function setup() {
  const all = await jsonSetup()
  const { get, post, poll, say, clock, publish } = all
  return {
    ...all,
    list: async (query = '') =>
      ((await get(`/topics/t/dlq${query}`)) as unknown as DeadLettersReply).messages,
    /** Rejects everything there is. */
    kill: async (...values: string[]) => {
      await publish(...values)
      await say('reject', { receipt_handles: handles(await poll()), reason: 'bad' })
    },
    redrive: async (body: object = {}) => {
      const answer = await post('/topics/t/dlq/redrive', body)
      expect(answer.status).toBe(202)
      return answer.json['task_id'] as string
    },
    task: async (id: string) => (await get(`/topics/t/dlq/redrive/${id}`)) as unknown as TaskReply,
    /** Time passes until the task has ended. */
    ended: async (id: string) => {
      const state = async () => {
        clock.advance(100)
        return (await get(`/topics/t/dlq/redrive/${id}`))['state']
      }
      await expect.poll(state).not.toBe('running')
      return (await get(`/topics/t/dlq/redrive/${id}`)) as unknown as TaskReply
    },
  }
}

describe('the list of dead letters', () => {
  test('tells what each was and what became of it', async () => {
    const { kill, list } = await setup()
    await kill('x')
    expect(await list()).toMatchObject([
      {
        ...{ partition: 0, offset: 0, key: 'k', value: 'x', priority: 'normal' },
        original: { topic: 't', partition: 0, offset: 0 },
        ...{ group: 'g', reason: 'rejected', error: 'bad', delivery_count: 1, failures: 0 },
        ...{ first_failed_at: expect.any(String), last_failed_at: expect.any(String) },
      },
    ])
  })

  test('comes in pages and takes filters', async () => {
    const { kill, get, list } = await setup()
    await kill(...'abcde')
    const first = (await get('/topics/t/dlq?limit=3')) as unknown as DeadLettersReply
    expect(first.messages.map(({ value }) => value)).toEqual([...'abc'])
    const rest = await list(`?cursor=${first.cursor}`)
    expect(rest.map(({ value }) => value)).toEqual([...'de'])
    expect(await list('?reason=max_retries')).toEqual([])
    expect(await list('?group=other')).toEqual([])
    expect(await list('?group=g&reason=rejected&key=k')).toHaveLength(5)
  })

  test('is empty where nothing ever died, and refuses what makes no sense', async () => {
    const { list, stub } = await setup()
    expect(await list()).toEqual([])
    expect((await stub.ask('GET', '/topics/no/dlq')).json['code']).toBe('TOPIC_NOT_FOUND')
    const refused = await stub.ask('GET', '/topics/t/dlq?reason=why&cursor=x')
    expect(Object.keys(refused.json['fields'] as object)).toEqual(['reason', 'cursor'])
  })
})

describe('a redrive', () => {
  test('brings letters back where they came from, and the queue ends empty', async () => {
    const { kill, redrive, ended, poll, say, list, get } = await setup()
    await kill('x', 'y')
    const id = await redrive()
    expect(await ended(id)).toMatchObject({ state: 'completed', matched: 2, redriven: 2 })
    expect(await list()).toEqual([])
    const back = await poll()
    expect(
      back.map(({ value, offset, delivery_count }) => [value, offset, delivery_count]),
    ).toEqual([
      ...[
        ['x', 2, 1],
        ['y', 3, 1],
      ],
    ])
    await say('ack', { receipt_handles: handles(back) })
    expect((await get('/groups/g'))['lag']).toEqual({ t: { '0': 0 } })
    expect(await get('/reliability/stats')).toMatchObject({ dlq_messages: 0, redriven_total: 2 })
  })

  test('keeps the identity of what dies again, and counts', async () => {
    const { kill, redrive, ended, poll, say, list } = await setup()
    await kill('x')
    await ended(await redrive())
    await say('reject', { receipt_handle: handle(await poll()), reason: 'still' })
    await expect.poll(() => list()).toHaveLength(1)
    expect(await list()).toMatchObject([
      {
        original: { topic: 't', offset: 0 },
        record: { topic: 't', offset: 1 },
        ...{ redrives: 1, error: 'still' },
      },
    ])
  })

  test('is for the group in which the letter died: the others have dealt with it', async () => {
    const { kill, redrive, ended, poll, post, stub, get } = await setup()
    const join = { client_id: 'o', topics: ['t'], session_timeout: '30m' }
    const other = (await post('/groups/o/join', join)).json['member_id']
    await kill('x')
    const ask = async () =>
      (await stub.ask('GET', `/groups/o/poll?member_id=${other}&timeout=0`)).json
    const [first] = (await ask())['messages'] as { receipt_handle: string }[]
    await post('/messages/ack', { receipt_handle: first?.receipt_handle })
    await ended(await redrive())
    expect((await ask())['messages']).toEqual([])
    expect((await get('/groups/o'))['lag']).toEqual({ t: { '0': 0 } })
    expect(await poll()).toMatchObject([{ value: 'x', offset: 1 }])
  })

  test('takes a filter, a limit, and tries out what it would do', async () => {
    const { kill, redrive, ended, list } = await setup()
    await kill(...'abcd')
    expect(await ended(await redrive({ dry_run: true }))).toMatchObject({ matched: 4, redriven: 0 })
    expect(await list()).toHaveLength(4)
    const none = { filter: { group: 'other' } }
    expect(await ended(await redrive(none))).toMatchObject({ matched: 0, state: 'completed' })
    expect(await ended(await redrive({ limit: 3 }))).toMatchObject({ matched: 3, redriven: 3 })
    expect((await list()).map(({ value }) => value)).toEqual(['d'])
  })

  test('goes as fast as it is told, one at a time, and can be cancelled', async () => {
    const { kill, redrive, task, clock, stub, get, post } = await setup()
    await kill(...'abcdefghij')
    const id = await redrive({ rate: 4 })
    await expect.poll(async () => (await task(id)).redriven).toBe(4)
    expect((await post('/topics/t/dlq/redrive', {})).status).toBe(429)
    clock.advance(1_000)
    await expect.poll(async () => (await task(id)).redriven).toBe(8)
    const cancelled = await stub.ask('DELETE', `/topics/t/dlq/redrive/${id}`)
    expect(cancelled.json).toMatchObject({ task_id: id, state: 'cancelled', redriven: 8 })
    clock.advance(10_000)
    expect(await get('/topics/t/dlq/redrive')).toMatchObject({ tasks: [{ redriven: 8 }] })
    expect((await stub.ask('GET', '/topics/t/dlq/redrive/no')).json['code']).toBe('TASK_NOT_FOUND')
  })

  test('stops by itself when what it brings back keeps failing', async () => {
    const { kill, redrive, task, clock, poll, say } = await setup()
    await kill(...Array.from({ length: 60 }, (_, i) => `${i}`))
    const id = await redrive({ rate: 20 })
    const failAll = async (): Promise<string> => {
      clock.advance(200)
      const messages = await poll()
      if (messages.length > 0) await say('reject', { receipt_handles: handles(messages) })
      return (await task(id)).state
    }
    await expect.poll(failAll).toBe('stopped')
    const { redriven, failed_again, error } = await task(id)
    expect(redriven).toBeLessThan(60)
    expect(failed_again).toBeGreaterThanOrEqual(10)
    expect(error).toMatch(/keeps failing/)
  })
})
