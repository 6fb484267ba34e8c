/** Consumer groups as a client with nothing but HTTP sees them. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodeFetchFrames, type PollReply } from '../../../src/api/index.ts'
import { MiB } from '../../../src/kernel/units.ts'
import { decodeRecords } from '../../../src/record/index.ts'
import { type HttpStub, startHttpStub } from '../../support/httpStub.ts'

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)

let stub: HttpStub
let made = 0

beforeAll(async () => {
  stub = await startHttpStub()
})
afterAll(() => stub.stop())

/** A topic and a group of their own for a test, with a way to ask for things of the group. */
async function setup(partitions = 2) {
  made += 1
  const [topic, group] = [`t${made}`, `g${made}`]
  if (partitions > 0) await stub.broker.createTopic(topic, { partitions })
  const post = async (route: string, json: object) =>
    await stub.ask('POST', `/groups/${group}/${route}`, { json })
  const join = async (more: object = {}) => {
    const joined = await post('join', { client_id: 'worker', topics: [topic], ...more })
    return joined.json as { member_id: string; generation: number; assigned_partitions: string[] }
  }
  const poll = async (query: Record<string, string | number>) => {
    const given = Object.entries({ timeout: 0, ...query }).map(([k, v]) => `${k}=${v}`)
    return await stub.ask('GET', `/groups/${group}/poll?${given.join('&')}`)
  }
  const publish = async (...messages: object[]) =>
    await stub.ask('POST', `/topics/${topic}/messages`, { json: { messages, acks: 'leader' } })
  const describeGroup = async () => (await stub.ask('GET', `/groups/${group}`)).json
  return { topic, group, post, join, poll, publish, describeGroup }
}

describe('POST /groups/{g}/join', () => {
  test('answers with the member, its generation and its partitions', async () => {
    const { topic, post } = await setup()
    const joined = await post('join', { client_id: 'worker', topics: [topic] })
    expect([joined.status, joined.json]).toEqual([
      200,
      {
        member_id: expect.stringMatching(/^worker-[0-9a-f]{16}$/),
        generation: 1,
        leader: true,
        assigned_partitions: [`${topic}-0`, `${topic}-1`],
        rebalance_required: false,
        state: 'stable',
      },
    ])
  })

  test('shares the partitions with the next member, the first leads', async () => {
    const { topic, join } = await setup()
    const first = await join({ client_id: 'a' })
    expect(await join({ client_id: 'b' })).toMatchObject({
      generation: 2,
      leader: false,
      assigned_partitions: [`${topic}-1`],
    })
    expect(await join({ client_id: 'a', member_id: first.member_id })).toMatchObject({
      member_id: first.member_id,
      generation: 2,
      leader: true,
      assigned_partitions: [`${topic}-0`],
    })
  })

  test('names topics that do not exist', async () => {
    const { topic, join } = await setup()
    expect(await join({ topics: [topic, 'nowhere'] })).toMatchObject({
      unknown_topics: ['nowhere'],
    })
  })

  test.each([
    [{ topics: ['t'] }, 400, 'INVALID_REQUEST', 'client_id'],
    [{ client_id: 'c' }, 400, 'INVALID_REQUEST', 'topics'],
    [{ client_id: 'c', topics: [] }, 400, 'INVALID_REQUEST', 'topics'],
    [
      { client_id: 'c', topics: ['t'], session_timeout: '500ms' },
      400,
      'INVALID_REQUEST',
      'session_timeout',
    ],
    [
      { client_id: 'c', topics: ['t'], session_timeout: 'soon' },
      400,
      'INVALID_REQUEST',
      'session_timeout',
    ],
    [{ client_id: 'c', topics: ['t'], mode: 'push' }, 400, 'INVALID_REQUEST', 'mode'],
    [
      { client_id: 'c', topics: ['t'], mode: 'offset', assignment: 'shared' },
      422,
      'INVALID_CONFIG',
      'assignment',
    ],
  ])('with %j is refused', async (json, status, code, field) => {
    const { post } = await setup()
    const refused = await post('join', json)
    expect([refused.status, refused.json['code']]).toEqual([status, code])
    expect(refused.json['fields']).toHaveProperty([field])
  })

  test('with another mode than the first join is a conflict', async () => {
    const { topic, join, post } = await setup()
    await join({ mode: 'offset' })
    const refused = await post('join', { client_id: 'c', topics: [topic], mode: 'ack' })
    expect([refused.status, refused.json['code']]).toEqual([409, 'GROUP_MODE_CONFLICT'])
  })

  test('takes a session timeout as text or as milliseconds', async () => {
    const { join, describeGroup } = await setup()
    await join({ session_timeout: '1m30s' })
    await join({ session_timeout: 5000 })
    expect(await describeGroup()).toMatchObject({
      members: [{ session_timeout: '1m30s' }, { session_timeout: '5s' }],
    })
  })
})

describe('GET /groups', () => {
  test('lists the groups, also under /v1', async () => {
    const { group, join } = await setup()
    await join()
    const groups = (await stub.ask('GET', '/v1/groups')).json['groups'] as string[]
    expect(groups).toContain(group)
    expect(groups).toEqual([...groups].sort())
  })

  test('of one tells of its members, who holds what, and the lag', async () => {
    const { topic, group, join, publish, describeGroup } = await setup()
    await publish({ value: 'x', partition: 0 }, { value: 'y', partition: 0 })
    const { member_id } = await join({ mode: 'offset' })
    expect(await describeGroup()).toEqual({
      group_id: group,
      state: 'stable',
      mode: 'offset',
      generation: 1,
      protocol: 'range',
      created_at: TIME,
      members: [
        {
          member_id,
          client_id: 'worker',
          topics: [topic],
          assigned_partitions: [`${topic}-0`, `${topic}-1`],
          session_timeout: '30s',
          last_heartbeat: TIME,
          joined_at: TIME,
        },
      ],
      lag: { [topic]: { '0': 2, '1': 0 } },
    })
  })

  test('of one that does not exist is 404', async () => {
    const answer = await stub.ask('GET', '/groups/nobody')
    expect([answer.status, answer.json['code']]).toEqual([404, 'GROUP_NOT_FOUND'])
  })

  test('of one that is no name is 400', async () => {
    const answer = await stub.ask('GET', '/groups/no%20name')
    expect([answer.status, answer.json['code']]).toEqual([400, 'INVALID_REQUEST'])
  })
})

describe('DELETE /groups/{g}', () => {
  test('is refused while there are members', async () => {
    const { group, join, post } = await setup()
    const { member_id } = await join()
    const refused = await stub.ask('DELETE', `/groups/${group}`)
    expect([refused.status, refused.json['code']]).toEqual([409, 'GROUP_NOT_EMPTY'])
    await post('leave', { member_id })
    const deleted = await stub.ask('DELETE', `/groups/${group}`)
    expect([deleted.status, deleted.json]).toEqual([200, { deleted: true }])
    expect((await stub.ask('GET', `/groups/${group}`)).status).toBe(404)
  })
})

describe('POST /groups/{g}/heartbeat', () => {
  test('tells the state and the assignment', async () => {
    const { topic, join, post } = await setup()
    const { member_id } = await join()
    expect((await post('heartbeat', { member_id, generation: 1 })).json).toEqual({
      rebalance_required: false,
      state: 'stable',
      generation: 1,
      assigned_partitions: [`${topic}-0`, `${topic}-1`],
    })
  })

  test('is 409 with an old generation, 404 for strangers', async () => {
    const { join, post } = await setup()
    const { member_id } = await join()
    await join()
    const stale = await post('heartbeat', { member_id, generation: 1 })
    expect([stale.status, stale.json['code']]).toEqual([409, 'STALE_GENERATION'])
    const stranger = await post('heartbeat', { member_id: 'x', generation: 1 })
    expect([stranger.status, stranger.json['code']]).toEqual([404, 'UNKNOWN_MEMBER'])
  })
})

describe('POST /groups/{g}/leave', () => {
  test('ends the membership', async () => {
    const { join, post, describeGroup } = await setup()
    const { member_id } = await join()
    expect((await post('leave', { member_id })).json).toEqual({ left: true })
    expect(await describeGroup()).toMatchObject({ state: 'empty', members: [] })
    expect((await post('leave', { member_id })).status).toBe(404)
  })
})

describe('GET /groups/{g}/poll', () => {
  test('gives messages with topic, receipt and delivery count', async () => {
    const { topic, group, join, poll, publish } = await setup(1)
    const { member_id } = await join()
    await publish(
      { key: 'k', value: 'v"\n', headers: { h: '1' }, priority: 'high' },
      { value: null },
    )
    const answer = await poll({ member_id })
    expect([answer.status, answer.json]).toEqual([
      200,
      {
        messages: [
          {
            topic,
            partition: 0,
            offset: 0,
            timestamp: TIME,
            key: 'k',
            value: 'v"\n',
            priority: 'high',
            headers: { h: '1' },
            receipt_handle: expect.stringMatching(`^${group}:${topic}:0:0:1:[0-9a-f]{8}$`),
            delivery_count: 1,
          },
          expect.objectContaining({
            offset: 1,
            value: null,
            receipt_handle: expect.stringMatching(`^${group}:${topic}:0:1:1:[0-9a-f]{8}$`),
          }),
        ],
        rebalance_required: false,
      },
    ])
  })

  test('gives an empty list at the timeout', async () => {
    const { join, poll } = await setup()
    const { member_id } = await join()
    expect((await poll({ member_id, timeout: '20ms' })).json).toEqual({
      messages: [],
      rebalance_required: false,
    })
  })

  test('is answered by an append while it waits', async () => {
    const { join, poll, publish } = await setup()
    const { member_id } = await join()
    const waiting = poll({ member_id, timeout: '30s' })
    await waits()
    await publish({ value: 'now' })
    expect((await waiting).json).toMatchObject({ messages: [{ value: 'now' }] })
  })

  test('takes max_messages or limit', async () => {
    const { join, poll, publish } = await setup(1)
    const { member_id } = await join()
    await publish(...Array.from({ length: 5 }, (_, i) => ({ value: `${i}` })))
    expect((await poll({ member_id, max_messages: 2 })).json['messages']).toHaveLength(2)
    expect((await poll({ member_id, limit: 1 })).json['messages']).toHaveLength(1)
    expect((await poll({ member_id })).json['messages']).toHaveLength(2)
  })

  test('commits with auto_commit what the poll before gave', async () => {
    const { topic, group, join, poll, publish } = await setup(1)
    const { member_id } = await join({ mode: 'offset' })
    await publish({ value: 'x' }, { value: 'y' })
    const offsets = async () => (await stub.ask('GET', `/groups/${group}/offsets`)).json
    await poll({ member_id, auto_commit: 'true' })
    expect(await offsets()).toEqual({ offsets: {} })
    await poll({ member_id, auto_commit: 'true' })
    expect(await offsets()).toEqual({ offsets: { [topic]: { '0': 2 } } })
  })

  test('says of its query what is wrong with it', async () => {
    const { poll } = await setup()
    const refused = await poll({
      timeout: '2m',
      max_messages: 0,
      auto_commit: 'yes',
      generation: -1,
    })
    expect(refused.status).toBe(400)
    const fields = ['auto_commit', 'generation', 'max_messages', 'member_id', 'timeout']
    expect(Object.keys(refused.json['fields'] as object).sort()).toEqual(fields)
  })

  test('hands records out again to a client that was gone before it got them', async () => {
    const { join, poll, publish, group } = await setup(1)
    const { member_id } = await join()
    const gone = new AbortController()
    const path = `/groups/${group}/poll?member_id=${member_id}&timeout=30s`
    const lost = stub.ask('GET', path, { signal: gone.signal }).catch(() => undefined)
    await waits()
    gone.abort()
    await publish({ value: 'x' })
    await lost
    expect((await poll({ member_id })).json).toMatchObject({ messages: [{ value: 'x' }] })
  })
})

describe('a poll whose reply does not arrive whole', () => {
  test('is handed out again when the client broke off in the middle', async () => {
    const { group, topic, join, poll } = await setup(1)
    const { member_id } = await join()
    // Each byte becomes six: more than the buffers of two sockets hold.
    const value = Buffer.alloc(500_000, 1)
    await stub.broker.publish(topic, Array(8).fill({ value }), { acks: 'leader' })
    const socket = connect(stub.port, '127.0.0.1')
    socket.write(`GET /groups/${group}/poll?member_id=${member_id} HTTP/1.1\r\nhost: x\r\n\r\n`)
    await once(socket, 'readable')
    socket.destroy()
    const again = await poll({ member_id, timeout: '10s' })
    expect((again.json as PollReply).messages.map(({ offset }) => offset)).toEqual([
      ...[0, 1, 2, 3, 4, 5, 6, 7],
    ])
  })

  test('is handed out again as far as the page had no room for it', async () => {
    const { topic, join, poll } = await setup(0)
    const config = { recordBytesMax: 16 * MiB }
    await stub.broker.createTopic(topic, { partitions: 4, config })
    const { member_id } = await join()
    // Each byte of these becomes six: 18 MiB of JSON, and 15 MiB more are too many.
    const escaped = Buffer.alloc(MiB - 100, 1)
    const large = Buffer.alloc(15 * MiB, 'x')
    const messages = [escaped, escaped, escaped, large].map((value, partition) => ({
      ...{ value, partition },
    }))
    await stub.broker.publish(topic, messages, { acks: 'leader' })
    const partitions = async () =>
      ((await poll({ member_id })).json as PollReply).messages.map((each) => each.partition)
    // Which of them comes first is the rotation's turn.
    expect((await partitions()).sort()).toEqual([0, 1, 2])
    expect(await partitions()).toEqual([3])
  })
})

describe('offsets of a group', () => {
  test('are committed and told per topic and partition', async () => {
    const { topic, group, join, post } = await setup()
    const { member_id } = await join({ mode: 'offset' })
    const offsets = { [topic]: { '0': 5, '1': 7 } }
    const committed = await post('offsets', { member_id, generation: 1, offsets })
    expect([committed.status, committed.json]).toEqual([200, { committed: true, offsets }])
    const path = `/groups/${group}/offsets`
    expect((await stub.ask('GET', path)).json).toEqual({ offsets })
    expect((await stub.ask('GET', `${path}?topic=${topic}`)).json).toEqual({ offsets })
    expect((await stub.ask('GET', `${path}?topic=other`)).json).toEqual({ offsets: {} })
  })

  test('never go back by a commit, and the reply says where they are', async () => {
    const { topic, join, post } = await setup()
    const { member_id } = await join({ mode: 'offset' })
    await post('offsets', { member_id, offsets: { [topic]: { '0': 5 } } })
    const back = await post('offsets', { member_id, offsets: { [topic]: { '0': 3 } } })
    expect(back.json).toEqual({ committed: true, offsets: { [topic]: { '0': 5 } } })
  })

  test('of another member are refused with 403, of an old generation with 409', async () => {
    const { topic, join, post } = await setup()
    const a = await join({ client_id: 'a' })
    await join({ client_id: 'b' })
    const offsets = { [topic]: { '1': 5 } }
    const foreign = await post('offsets', { member_id: a.member_id, generation: 2, offsets })
    expect([foreign.status, foreign.json['code']]).toEqual([403, 'NOT_ASSIGNED'])
    const stale = await post('offsets', { member_id: a.member_id, generation: 1, offsets })
    expect([stale.status, stale.json['code']]).toEqual([409, 'STALE_GENERATION'])
  })

  test.each([
    [{ '-1': 5 }, 400],
    [{ x: 5 }, 400],
    [{ '01': 5 }, 400],
    [{ '0': -5 }, 400],
    [{ '0': '5' }, 400],
    [{ '0': 1e300 }, 400],
    [{ '99': 5 }, 403],
  ])('as %j are refused', async (partitions, status) => {
    const { topic, join, post } = await setup()
    const { member_id } = await join()
    const refused = await post('offsets', { member_id, offsets: { [topic]: partitions } })
    expect(refused.status).toBe(status)
  })
})

describe('POST /groups/{g}/offsets/reset', () => {
  async function committed() {
    const all = await setup(2)
    await all.publish(...Array.from({ length: 6 }, (_, i) => ({ value: `${i}`, partition: 0 })))
    const { member_id } = await all.join({ mode: 'offset' })
    await all.post('offsets', { member_id, offsets: { [all.topic]: { '0': 4 } } })
    return { ...all, member_id }
  }

  test('is 409 while a partition is held', async () => {
    const { topic, post } = await committed()
    const refused = await post('offsets/reset', { topic, to: 'earliest' })
    expect([refused.status, refused.json['code']]).toEqual([409, 'PARTITION_HELD'])
    expect(refused.json['fields']).toHaveProperty([`${topic}-0`])
  })

  test('tells before and after, and does nothing in a dry run', async () => {
    const { topic, post, member_id } = await committed()
    await post('leave', { member_id })
    const dry = await post('offsets/reset', { topic, to: { offset: 2 }, dry_run: true })
    const moved = { '0': { before: 4, after: 2 }, '1': { before: null, after: 0 } }
    expect(dry.json).toEqual({ offsets: { [topic]: moved }, dry_run: true })
    const wet = await post('offsets/reset', { topic, partitions: [0], to: 'latest' })
    expect(wet.json).toEqual({
      offsets: { [topic]: { '0': { before: 4, after: 6 } } },
      dry_run: false,
    })
  })

  test('goes to a time', async () => {
    const { topic, post, member_id } = await committed()
    await post('leave', { member_id })
    const to = { time: '2001-01-01T00:00:00Z' }
    const reset = await post('offsets/reset', { topic, partitions: [0], to })
    expect(reset.json['offsets']).toEqual({ [topic]: { '0': { before: 4, after: 0 } } })
  })

  test.each([
    [{ to: 'earliest' }, 400],
    [{ topic: 't', to: 'middle' }, 400],
    [{ topic: 't', to: { time: 'noon' } }, 400],
    [{ topic: 'no-such-topic', to: 'earliest' }, 404],
  ])('with %j is refused', async (json, status) => {
    const { join, post } = await setup()
    const { member_id } = await join()
    await post('leave', { member_id })
    expect((await post('offsets/reset', json)).status).toBe(status)
  })
})

describe('fetch', () => {
  async function frames(path: string, json: object) {
    const response = await fetch(`http://127.0.0.1:${stub.port}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(json),
    })
    const body = Buffer.from(await response.arrayBuffer())
    if (response.status !== 200) return { status: response.status, rebalance: null, frames: [] }
    expect(response.headers.get('content-type')).toBe('application/vnd.goqueue.fetch')
    const told = decodeFetchFrames(body).map(({ bytes, ...head }) => ({
      ...head,
      values: [...decodeRecords(bytes)].map(({ value }) => value?.toString()),
    }))
    return { status: 200, rebalance: response.headers.get('x-goqueue-rebalance'), frames: told }
  }

  test('reads many partitions, each frame with what it has to say', async () => {
    const { topic, publish } = await setup(3)
    await publish(
      { value: 'a', partition: 0 },
      { value: 'b', partition: 0 },
      { value: 'c', partition: 2 },
    )
    const read = (partition: number, offset: number) => ({ topic, partition, offset })
    const reads = [read(0, 1), read(1, 0), read(2, 0), read(1, 9), read(7, 0)]
    const answer = await frames('/fetch', { reads, timeout: '30s' })
    const sorted = answer.frames.sort((a, b) => a.index - b.index)
    expect(sorted).toEqual([
      { index: 0, error: 0, nextOffset: 2, highWatermark: 2, values: ['b'] },
      { index: 2, error: 0, nextOffset: 1, highWatermark: 1, values: ['c'] },
      { index: 3, error: 1, nextOffset: 0, highWatermark: 0, values: [] },
      { index: 4, error: 905, nextOffset: 0, highWatermark: 0, values: [] },
    ])
  })

  test('out of range tells the range', async () => {
    const { topic, publish } = await setup(1)
    await publish({ value: 'a' }, { value: 'b' })
    const { frames: told } = await frames('/fetch', { reads: [{ topic, partition: 0, offset: 5 }] })
    expect(told).toEqual([{ index: 0, error: 1, nextOffset: 0, highWatermark: 2, values: [] }])
  })

  test('answers with no bytes when nothing came', async () => {
    const { topic } = await setup(1)
    const reads = [{ topic, partition: 0, offset: 0 }]
    expect(await frames('/v1/fetch', { reads, timeout: 20 })).toMatchObject({ frames: [] })
  })

  test('of a group reads what is assigned, and tells of a rebalance at once', async () => {
    const { topic, group, join, publish } = await setup(2)
    const { member_id } = await join({ client_id: 'a', mode: 'offset' })
    await publish({ value: 'a', partition: 1 })
    const path = `/groups/${group}/fetch`
    const read = (partition: number, offset = 0) => ({ topic, partition, offset })
    const asked = { member_id, generation: 1, timeout: '30s' }
    const got = await frames(path, { ...asked, reads: [read(0), read(1)] })
    expect(got).toMatchObject({ rebalance: null, frames: [{ index: 1, values: ['a'] }] })
    const waiting = frames(path, { ...asked, reads: [read(0), read(1, 1)] })
    await waits()
    const second = await join({ client_id: 'b' })
    expect(await waiting).toEqual({ status: 200, rebalance: '1', frames: [] })
    const foreign = { member_id: second.member_id, generation: 2, reads: [read(0)] }
    expect((await frames(path, foreign)).status).toBe(403)
    const stranger = { member_id: 'x', generation: 2, reads: [read(0)] }
    expect((await frames(path, stranger)).status).toBe(404)
    expect((await frames(path, { ...asked, generation: 9, reads: [] })).status).toBe(409)
  })

  test.each([
    [{}, 400],
    [{ reads: [] }, 400],
    [{ reads: [{ topic: 't', partition: -1, offset: 0 }] }, 400],
    [{ reads: [{ topic: 't', partition: 0, offset: 0.5 }] }, 400],
    [{ reads: [{ topic: 't', partition: 0, offset: 0 }], timeout: '1h' }, 400],
    [{ reads: [{ topic: 't', partition: 0, offset: 0 }], max_bytes: 0 }, 400],
  ])('with %j is refused', async (json, status) => {
    expect((await frames('/fetch', json)).status).toBe(status)
  })
})

describe('openapi', () => {
  test('has the groups', async () => {
    const { paths } = (await stub.ask('GET', '/openapi.json')).json as { paths: object }
    expect(Object.keys(paths)).toEqual(expect.arrayContaining(['/groups/{group}/join', '/fetch']))
  })
})

/** Until a long poll waits at the broker. */
async function waits(): Promise<void> {
  while (stub.broker.load().waiters === 0) await new Promise(setImmediate)
}
