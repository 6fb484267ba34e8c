/** Leases, acks, retries and dead letters as a client with nothing but HTTP sees them. */
import { describe, expect, test } from 'vitest'
import { decodeRecords } from '../../../src/record/index.ts'
import { FAKE_START_MS } from '../../support/fakeClock.ts'
import { handle, handles, setup } from './setup.ts'

const at = (ms: number): string => new Date(FAKE_START_MS + ms).toISOString()

describe('a lease', () => {
  test('is handed out once, and acked', async () => {
    const { publish, poll, say, get } = await setup()
    await publish('x', 'y')
    const messages = await poll()
    expect(messages.map(({ value, delivery_count }) => [value, delivery_count])).toEqual([
      ['x', 1],
      ['y', 1],
    ])
    expect(handle(messages)).toMatch(/^g:t:0:0:1:[0-9a-f]{8}$/)
    expect(await poll()).toEqual([])
    expect(await say('ack', { receipt_handle: handle(messages) })).toEqual({ acknowledged: true })
    expect(await get('/groups/g/offsets')).toEqual({ offsets: { t: { '0': 1 } } })
    expect(await say('ack', { receipt_handle: handle(messages) })).toEqual({ acknowledged: true })
    expect(await get('/groups/g')).toMatchObject({
      lag: { t: { '0': 1 } },
      delivery: { in_flight: 1, unresolved: 1, limited_partitions: [] },
    })
  })

  test('is acked by its receipt however the body that names it is written', async () => {
    const { publish, poll, stub } = await setup()
    await publish('a', 'b', 'c')
    const [a, b, c] = handles(await poll())
    const ack = async (body: string) => {
      const headers = { 'content-type': 'application/json' }
      const { status, json } = await stub.ask('POST', '/messages/ack', { body, headers })
      return status === 200 ? json : [status, json['code']]
    }
    const acked = { acknowledged: true }
    expect(await ack(`{"receipt_handle":"${a}"}`)).toEqual(acked)
    expect(await ack(`\n{ "receipt_handle" : "${b?.replaceAll(':', '\\u003a')}" }\n`)).toEqual(
      acked,
    )
    expect(await ack(`{"receipt_handle":"${c}","worker":"w"}`)).toEqual(acked)
    const refused = [400, 'INVALID_REQUEST']
    expect(await ack(`{"receipt_handle":"${a}","receipt_handles":["${a}"]}`)).toEqual(refused)
    expect(await ack(`{"receipt_handle":"${a}é"}`)).toEqual(refused)
    expect(await ack(`{"receipt_handle":"${a}""}`)).toEqual(refused)
    expect(await ack(`{"receipt_handle":"${'x'.repeat(1_000)}"}`)).toEqual(refused)
  })

  test('that ran out comes back after its backoff, and the first receipt is lost then', async () => {
    const { publish, poll, say, clock } = await setup()
    await publish('x')
    const first = await poll()
    clock.advance(30_000)
    expect(await poll()).toEqual([])
    clock.advance(1_100)
    const second = await poll()
    expect(second).toMatchObject([{ value: 'x', delivery_count: 2 }])
    expect(await say('ack', { receipt_handle: handle(first) })).toEqual([409, 'LEASE_LOST'])
    expect(await say('ack', { receipt_handle: handle(second) })).toEqual({ acknowledged: true })
    expect(await say('ack', { receipt_handle: handle(first) })).toEqual([409, 'LEASE_LOST'])
  })

  test('that ran out still counts while nobody else was handed the record', async () => {
    const { publish, poll, say, clock } = await setup()
    await publish('x')
    const messages = await poll({ visibility_timeout: '5s' })
    clock.advance(20_000)
    expect(await say('ack', { receipt_handle: handle(messages) })).toEqual({ acknowledged: true })
    expect(await poll()).toEqual([])
  })

  test('is held longer where the worker asks', async () => {
    const { publish, poll, say, clock } = await setup()
    await publish('x')
    const messages = await poll()
    clock.advance(29_000)
    const receipt_handle = handle(messages)
    expect(await say('visibility', { receipt_handle, timeout: '1m' })).toEqual({
      extended: true,
      new_deadline: at(89_000),
    })
    clock.advance(59_000)
    expect(await say('ack', { receipt_handle })).toEqual({ acknowledged: true })
  })

  test('is never held for longer than twelve hours', async () => {
    const { publish, poll, say, clock } = await setup()
    await publish('x')
    const messages = await poll({ visibility_timeout: '25m' })
    clock.advance(20 * 60_000)
    const receipt_handle = handle(messages)
    expect(await say('visibility', { receipt_handle, timeout: '12h' })).toEqual({
      extended: true,
      new_deadline: at(12 * 3_600_000),
    })
  })

  test('of who leaves goes to the others at once and costs nothing', async () => {
    const join = { assignment: 'shared' }
    const { publish, poll, post, member, member_id, clock } = await setup({ join })
    const other = await member()
    clock.advance(100)
    expect(await poll()).toEqual([])
    await publish('x')
    expect(await poll()).toHaveLength(1)
    await post('/groups/g/leave', { member_id })
    clock.advance(100)
    expect(await poll({ member_id: other })).toEqual([])
    expect(await poll({ member_id: other })).toMatchObject([{ value: 'x', delivery_count: 2 }])
  })
})

describe('nack', () => {
  test('says when the record comes back, and with its own delay it does so then', async () => {
    const { publish, poll, say, clock } = await setup()
    await publish('x')
    const receipt_handle = handle(await poll())
    expect(await say('nack', { receipt_handle, delay: '5s' })).toEqual({
      requeued: true,
      visible_at: at(5_000),
      delivery_count: 1,
    })
    clock.advance(4_999)
    expect(await poll()).toEqual([])
    clock.advance(1)
    expect(await poll()).toMatchObject([{ value: 'x', delivery_count: 2 }])
  })

  test('once too often makes a dead letter, that says what happened', async () => {
    const { publish, poll, say, clock, stub } = await setup({ partitions: 2 })
    await publish('x')
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      const receipt_handle = handle(await poll())
      expect(await say('nack', { receipt_handle, delay: 0 })).toMatchObject({ requeued: true })
      clock.advance(1)
    }
    const receipt_handle = handle(await poll())
    expect(await say('nack', { receipt_handle, reason: 'no such customer' })).toEqual({
      requeued: false,
      dlq_topic: 't.dlq',
    })
    const offset = Number(receipt_handle.split(':')[3])
    const partition = Number(receipt_handle.split(':')[2])
    await expect.poll(() => stub.broker.listTopics()).toContain('t.dlq')
    const read = async () => await stub.broker.read('t.dlq', partition)
    await expect.poll(async () => (await read()).count).toBe(1)
    const [letter] = [...decodeRecords((await read()).bytes)]
    expect([letter?.key?.toString(), letter?.value?.toString()]).toEqual(['k', 'x'])
    const mark = JSON.parse(letter?.extension?.headers?.['goqueue-dead-letter'] ?? '')
    expect(mark).toMatchObject({
      group: 'g',
      original: { topic: 't', partition, offset },
      reason: 'max_retries',
      error: 'no such customer',
      delivery_count: 4,
      failures: 4,
    })
    await expect.poll(() => poll()).toEqual([])
    expect((await stub.broker.describeTopic('t.dlq')).partitions).toHaveLength(2)
  })
})

describe('reject', () => {
  test('makes a dead letter at once', async () => {
    const { publish, poll, say, stub, get } = await setup()
    await publish('x', 'y')
    const messages = await poll()
    expect(await say('reject', { receipt_handles: handles(messages), reason: 'never' })).toEqual({
      results: handles(messages).map((receipt_handle) => ({
        ...{ receipt_handle, rejected: true, dlq_topic: 't.dlq' },
      })),
    })
    await expect.poll(async () => (await get('/groups/g'))['lag']).toEqual({ t: { '0': 0 } })
    expect((await stub.broker.read('t.dlq', 0)).count).toBe(2)
    expect(await get('/reliability/stats')).toMatchObject({
      ...{ rejects_total: 2, dlq_messages: 2, dead_lettered_total: 2 },
    })
  })

  test('among the dead letters makes no dead letter of a dead letter', async () => {
    const { publish, poll, say, stub, get } = await setup({ topic: 't.dlq' })
    await publish('x')
    const receipt_handle = handle(await poll())
    expect(await say('reject', { receipt_handle })).toEqual({ rejected: true, dlq_topic: 't.dlq' })
    expect(await get('/groups/g')).toMatchObject({ lag: { 't.dlq': { '0': 0 } } })
    expect(await stub.broker.listTopics()).toEqual(['t.dlq'])
  })
})

describe('receipts', () => {
  test('of one request are answered each on its own', async () => {
    const { publish, poll, say } = await setup()
    await publish('x', 'y', 'z')
    const messages = await poll()
    const strange = handle(messages).replace(':0:0:', ':0:99:')
    const asked = [handle(messages), 'nonsense', strange, handle(messages, 2)]
    expect(await say('ack', { receipt_handles: asked })).toEqual({
      results: [
        { receipt_handle: asked[0], acknowledged: true },
        { receipt_handle: asked[1], acknowledged: false, code: 'INVALID_REQUEST' },
        { receipt_handle: asked[2], acknowledged: false, code: 'RECEIPT_NOT_FOUND' },
        { receipt_handle: asked[3], acknowledged: true },
      ],
    })
  })

  test('that are none are refused with what is wrong', async () => {
    const { say, publish, poll, post } = await setup()
    expect(await say('ack', {})).toEqual([400, 'INVALID_REQUEST'])
    expect(await say('ack', { receipt_handle: 'x' })).toEqual([400, 'INVALID_REQUEST'])
    expect(await say('ack', { receipt_handle: 'no:t:0:0:1:00000000' })).toEqual([
      ...[404, 'GROUP_NOT_FOUND'],
    ])
    expect(await say('ack', { receipt_handle: 'g:u:0:0:1:00000000' })).toEqual([
      ...[404, 'RECEIPT_NOT_FOUND'],
    ])
    await publish('x')
    const receipt_handle = handle(await poll()).replace(/.$/, (c) => (c === '0' ? '1' : '0'))
    expect(await say('ack', { receipt_handle })).toEqual([409, 'LEASE_LOST'])
    await post('/groups/o/join', { client_id: 'c', topics: ['t'], mode: 'offset' })
    expect(await say('ack', { receipt_handle: 'o:t:0:0:1:00000000' })).toEqual([
      ...[409, 'GROUP_MODE_CONFLICT'],
    ])
  })
})

describe('a commit in ack mode', () => {
  test('settles what was handed out below it, and nothing else', async () => {
    const { publish, poll, post, get, member_id } = await setup()
    await publish('a', 'b', 'c', 'd')
    await poll({ limit: 3 })
    const offsets = { t: { '0': 4 } }
    expect((await post('/groups/g/offsets', { member_id, offsets })).json).toEqual({
      committed: true,
      offsets: { t: { '0': 3 } },
    })
    expect(await poll()).toMatchObject([{ value: 'd' }])
    expect(await get('/groups/g/offsets')).toEqual({ offsets: { t: { '0': 3 } } })
  })

  test('comes with a poll that asks for it', async () => {
    const { publish, poll, get } = await setup()
    await publish('a', 'b')
    await poll({ limit: 1, auto_commit: 'true' })
    await poll({ limit: 1, auto_commit: 'true' })
    expect(await get('/groups/g/offsets')).toEqual({ offsets: { t: { '0': 1 } } })
  })
})

describe('a reset in ack mode', () => {
  test('begins again where it is told, once nobody holds the partition', async () => {
    const { publish, poll, post, member_id, member, say } = await setup()
    await publish('a', 'b')
    await say('ack', { receipt_handles: handles(await poll()) })
    const reset = async (more = {}) =>
      await post('/groups/g/offsets/reset', { topic: 't', to: 'earliest', ...more })
    expect((await reset()).status).toBe(409)
    await post('/groups/g/leave', { member_id })
    const moved = { t: { '0': { before: 2, after: 0 } } }
    expect((await reset({ dry_run: true })).json).toEqual({ offsets: moved, dry_run: true })
    expect((await reset()).json).toEqual({ offsets: moved, dry_run: false })
    const again = await member()
    expect(await poll({ member_id: again })).toMatchObject([{ value: 'a' }, { value: 'b' }])
  })
})

describe('a policy', () => {
  test('of a group counts before that of a topic', async () => {
    const { publish, poll, stub, clock, get } = await setup()
    const patch = async (path: string, json: object) => await stub.ask('PATCH', path, { json })
    expect(
      (await patch('/topics/t/delivery', { visibility_timeout: '2s', backoff: 0 })).json,
    ).toMatchObject({ set: { visibility_timeout: '2s', backoff: '0ms' } })
    await publish('x')
    await poll()
    clock.advance(2_001)
    expect(await poll()).toMatchObject([{ delivery_count: 2 }])
    await patch('/groups/g/delivery', { visibility_timeout: '1m', max_retries: 0 })
    expect(await get('/groups/g/delivery')).toMatchObject({
      set: { visibility_timeout: '1m', max_retries: 0 },
      in_force: { visibility_timeout: '1m', max_retries: 0, backoff: '1s' },
    })
    await patch('/groups/g/delivery', { visibility_timeout: null })
    expect(await get('/groups/g/delivery')).toMatchObject({ set: { max_retries: 0 } })
    expect((await patch('/topics/t/delivery', { ack_durability: 'all' })).json).toMatchObject({
      set: { ack_durability: 'all' },
      in_force: { ack_durability: 'all' },
    })
    expect(await get('/groups/g/delivery')).toMatchObject({
      in_force: { ack_durability: 'leader' },
    })
  })

  test('that cannot be is refused with what is wrong', async () => {
    const { stub } = await setup()
    const patch = async (path: string, json: object) => {
      const answer = await stub.ask('PATCH', path, { json })
      return [answer.status, answer.json['code'], Object.keys(answer.json['fields'] ?? {})]
    }
    expect(await patch('/groups/g/delivery', { max_retries: -1, backoff: '30d' })).toEqual([
      ...[422, 'INVALID_CONFIG', ['max_retries', 'backoff']],
    ])
    expect(await patch('/groups/g/delivery', { ack_durability: 'none' })).toEqual([
      ...[400, 'INVALID_REQUEST', ['ack_durability']],
    ])
    expect(await patch('/groups/g/delivery', { retries: 1 })).toEqual([
      ...[400, 'INVALID_REQUEST', ['retries']],
    ])
    expect(await patch('/groups/nobody/delivery', {})).toEqual([404, 'GROUP_NOT_FOUND', []])
    expect(await patch('/topics/nothing/delivery', {})).toEqual([404, 'TOPIC_NOT_FOUND', []])
  })

  test('limits what a member holds and what is unresolved, and the group says so', async () => {
    const { publish, poll, stub, get, say, member_id } = await setup()
    const json = { max_in_flight: 2, max_unresolved: 3 }
    await stub.ask('PATCH', '/groups/g/delivery', { json })
    await publish('a', 'b', 'c', 'd', 'e')
    const first = await poll()
    expect(first).toHaveLength(2)
    expect(await poll()).toEqual([])
    expect(await get('/groups/g')).toMatchObject({ delivery: { limited_members: [member_id] } })
    const waiting = poll({ timeout: '10s' })
    await expect.poll(() => stub.broker.load().waiters).toBe(1)
    await say('nack', { receipt_handles: handles(first), delay: '1h' })
    expect(await waiting).toMatchObject([{ value: 'c' }])
    expect(await poll()).toEqual([])
    expect(await get('/groups/g')).toMatchObject({ delivery: { limited_partitions: ['t-0'] } })
  })
})
