/** Every route of the contract, as a client sees it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  batchOf,
  decodeRecords,
  encodeWireBatch,
  WIRE_BATCH_CONTENT_TYPE,
} from '../../../src/record/index.ts'
import { type Answered, type HttpStub, startHttpStub } from '../../support/httpStub.ts'

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const time = expect.stringMatching(TIME)

let stub: HttpStub
let topics = 0

beforeAll(async () => {
  stub = await startHttpStub({
    parts: {
      metrics: { contentType: 'text/plain; version=0.0.4', text: async () => 'goqueue_up 1\n' },
    },
  })
})
afterAll(() => stub.stop())

/** A topic of its own for a test. */
async function topic(partitions = 1): Promise<string> {
  topics += 1
  const name = `topic-${topics}`
  const made = await stub.ask('POST', '/topics', { json: { name, num_partitions: partitions } })
  expect(made.status).toBe(201)
  return name
}

const publish = (name: string, messages: readonly object[], more: object = {}): Promise<Answered> =>
  stub.ask('POST', `/topics/${name}/messages`, { json: { messages, ...more } })

const read = (name: string, query = '', partition = 0): Promise<Answered> =>
  stub.ask('GET', `/topics/${name}/partitions/${partition}/messages?${query}`)

describe('a body', () => {
  test('is whole however many pieces it came in', async () => {
    const name = await topic()
    const values = [0, 100, 90_000].map((length) => 'v'.repeat(length))
    await publish(name, [{ value: values[1] }])
    await publish(name, [{ value: values[2] }, { value: values[2] }, { value: values[0] }])
    const { json } = await read(name)
    const messages = json['messages'] as { value: string }[]
    expect(messages.map(({ value }) => value.length)).toEqual([100, 90_000, 90_000, 0])
  })

  test('of raw records stays what it was when later ones come in the same memory', async () => {
    const name = await topic()
    const sent = [64_000, 100_000, 64_000, 80_000, 100_000].map((length, at) =>
      `${at}`.repeat(length),
    )
    const headers = { 'content-type': WIRE_BATCH_CONTENT_TYPE }
    for (const value of sent) {
      const body = encodeWireBatch(batchOf({ value }))
      const reply = await stub.ask('POST', `/topics/${name}/messages?acks=leader`, {
        body,
        headers,
      })
      expect(reply.status).toBe(200)
    }
    const messages = (await read(name)).json['messages'] as { value: string }[]
    expect(messages.map(({ value }) => value)).toEqual(sent)
  })
})

describe('topics', () => {
  test('are created with the defaults of the contract', async () => {
    const made = await stub.ask('POST', '/topics', { json: { name: 'orders' } })
    expect([made.status, made.json]).toEqual([
      201,
      { name: 'orders', partitions: 3, created: true },
    ])
    expect((await stub.ask('GET', '/topics/orders')).json).toEqual({
      ...{ name: 'orders', partitions: 3, total_messages: 0, total_size_bytes: 0 },
      partition_offsets: {
        ...{ 0: { earliest: 0, latest: 0 }, 1: { earliest: 0, latest: 0 } },
        2: { earliest: 0, latest: 0 },
      },
      config: {
        ...{ retention_hours: 168, retention_ms: 604_800_000, retention_bytes: null },
        ...{ segment_bytes: 67_108_864, max_record_bytes: 1_048_576 },
      },
    })
  })

  test('are created with what is asked for', async () => {
    const config = {
      retention_ms: '2h',
      retention_bytes: 1e9,
      segment_bytes: 1e6,
      max_record_bytes: 1e5,
    }
    const json = { name: 'special', num_partitions: 7, config }
    expect((await stub.ask('POST', '/v1/topics', { json })).json).toMatchObject({ partitions: 7 })
    expect((await stub.ask('GET', '/v1/topics/special')).json['config']).toEqual({
      ...config,
      ...{ retention_hours: 2, retention_ms: 7_200_000 },
    })
  })

  test('are listed by name', async () => {
    await stub.ask('POST', '/topics', { json: { name: 'zebra' } })
    await stub.ask('POST', '/topics', { json: { name: 'aardvark' } })
    const names = (await stub.ask('GET', '/topics')).json['topics'] as string[]
    expect(names).toEqual([...names].sort())
    expect(names).toEqual(expect.arrayContaining(['aardvark', 'zebra']))
  })

  test('are configured, and keep what is not named', async () => {
    const name = await topic()
    const json = { config: { retention_hours: 24 } }
    const changed = await stub.ask('PATCH', `/topics/${name}`, { json })
    expect(changed.status).toBe(200)
    expect(changed.json['config']).toMatchObject({
      ...{ retention_ms: 86_400_000, max_record_bytes: 1_048_576 },
    })
    const forever = await stub.ask('PATCH', `/topics/${name}`, {
      json: { config: { retention_ms: null } },
    })
    expect(forever.json['config']).toMatchObject({ retention_hours: null, retention_ms: null })
  })

  test('that are deleted are gone', async () => {
    const name = await topic()
    const gone = await stub.ask('DELETE', `/topics/${name}`)
    expect([gone.status, gone.json]).toEqual([200, { deleted: true, name }])
    expect((await stub.ask('GET', `/topics/${name}`)).status).toBe(404)
  })

  test('are deleted by clients that send a content type with nothing', async () => {
    const name = await topic()
    const headers = { 'content-type': 'application/json' }
    expect((await stub.ask('DELETE', `/topics/${name}`, { headers })).status).toBe(200)
  })

  test('tell of their partitions', async () => {
    const name = await topic(2)
    await publish(name, [{ value: 'a', partition: 1 }])
    expect((await stub.ask('GET', `/topics/${name}/partitions`)).json).toEqual({
      topic: name,
      partitions: [0, 1].map((partition) => ({
        ...{ partition, leader: 0, replicas: [0], isr: [0], earliest: 0, latest: partition },
        ...{ size_bytes: partition * 33, segments: 1 },
      })),
    })
  })
})

describe('publish', () => {
  test('answers in the order of the request with partition, offset, priority and time', async () => {
    const name = await topic(2)
    const reply = await publish(name, [
      { value: 'a', partition: 1 },
      { value: 'b', partition: 0, priority: 'high' },
      { value: 'c', partition: 1, priority: 4 },
    ])
    expect(reply.status).toBe(200)
    expect(reply.json['results']).toEqual([
      { partition: 1, offset: 0, priority: 'normal', timestamp: time },
      { partition: 0, offset: 0, priority: 'high', timestamp: time },
      { partition: 1, offset: 1, priority: 'background', timestamp: time },
    ])
  })

  test('puts the same key into the same partition, whichever way the request is read', async () => {
    const name = await topic(8)
    const keys = Array.from({ length: 40 }, (_, i) => ({ key: `key-${i}`, value: 'v' }))
    const partitions = ({ json }: Answered) =>
      (json['results'] as { partition: number }[]).map(({ partition }) => partition)
    const usual = partitions(await publish(name, keys))
    const unusual = partitions(
      await publish(
        name,
        keys.map((each) => ({ ...each, headers: {} })),
      ),
    )
    expect(unusual).toEqual(usual)
    expect(new Set(usual).size).toBeGreaterThan(4)
  })

  test('says how durable the records are', async () => {
    const name = await topic()
    for (const acks of ['none', 'leader', 'all']) {
      const { json } = await publish(name, [{ value: 'a' }], { acks })
      // What the memory engine can give.
      expect(json['durability']).toBe('none')
    }
  })

  test('names the message that is wrong and writes none', async () => {
    const name = await topic()
    const messages = [{ value: 'a' }, { value: 'b', priority: 'urgent' }, { key: 1, value: 'c' }]
    const { status, json } = await publish(name, messages)
    expect(status).toBe(400)
    expect(Object.keys(json['fields'] as object)).toEqual([
      'messages[1].priority',
      'messages[2].key',
    ])
    expect((await read(name)).json['messages']).toEqual([])
  })

  test('names the message for faults that only the broker sees', async () => {
    const name = await topic(2)
    const far = await publish(name, [{ value: 'a', partition: 5 }])
    expect(far.json).toMatchObject({ code: 'PARTITION_NOT_FOUND' })
    expect(Object.keys(far.json['fields'] as object)).toEqual(['messages[0].partition'])
    const large = await publish(name, [{ value: 'a' }, { value: 'x'.repeat(1_100_000) }])
    expect(large.json).toMatchObject({ code: 'RECORD_TOO_LARGE' })
    expect(Object.keys(large.json['fields'] as object)).toEqual(['messages[1]'])
  })

  test('takes a raw batch and answers with its runs', async () => {
    const name = await topic(3)
    const body = encodeWireBatch(batchOf({ value: 'a' }, { value: 'b' }))
    const headers = { 'content-type': WIRE_BATCH_CONTENT_TYPE }
    const path = `/topics/${name}/messages?partition=2&acks=leader`
    const reply = await stub.ask('POST', path, { body, headers })
    expect(reply.json['results']).toEqual([{ partition: 2, offset: 0, count: 2, timestamp: time }])
    expect((await read(name, '', 2)).json['messages']).toMatchObject([
      { value: 'a' },
      { value: 'b' },
    ])
  })
})

describe('read by offset', () => {
  test('gives back what was published, byte for byte', async () => {
    const name = await topic()
    const messages = [
      { key: 'k', value: 'plain' },
      { value: '"quotes" \\ and \n breaks, 日本語 🦆 \u0000' },
      { value: null, key: 'tombstone' },
      { value: { a: [1, 2] } },
      { value: 'AP8=', encoding: 'base64' },
      { key: '/w==', value: 'dGV4dA==', encoding: 'base64', headers: { h: 'ü' } },
      { value: '', priority: 'critical' },
    ]
    expect((await publish(name, messages)).status).toBe(200)
    const { json } = await read(name)
    expect(json).toMatchObject({ next_offset: 7, high_watermark: 7 })
    expect(json['messages']).toEqual(
      [
        { key: 'k', value: 'plain', priority: 'normal' },
        { value: '"quotes" \\ and \n breaks, 日本語 🦆 \u0000', priority: 'normal' },
        { key: 'tombstone', value: null, priority: 'normal' },
        { value: '{"a":[1,2]}', priority: 'normal' },
        { value: 'AP8=', encoding: 'base64', priority: 'normal' },
        {
          ...{ key: '/w==', value: 'dGV4dA==', encoding: 'base64' },
          ...{ priority: 'normal', headers: { h: 'ü' } },
        },
        { value: '', priority: 'critical' },
      ].map((message, offset) => ({ offset, timestamp: time, ...message })),
    )
  })

  test('goes on where the last reply ended, within limit and max_bytes', async () => {
    const name = await topic()
    await publish(
      name,
      Array.from({ length: 10 }, (_, i) => ({ value: `${i}` })),
    )
    const values = ({ json }: Answered) =>
      (json['messages'] as { value: string }[]).map((m) => m.value)
    const first = await read(name, 'limit=4')
    expect([values(first), first.json['next_offset']]).toEqual([['0', '1', '2', '3'], 4])
    const second = await read(name, 'offset=4&max_bytes=70')
    expect([values(second), second.json['next_offset']]).toEqual([['4', '5'], 6])
    expect(values(await read(name, 'offset=9&max_bytes=1'))).toEqual(['9'])
    expect(values(await read(name, 'offset=latest'))).toEqual([])
    expect(values(await read(name, 'offset=earliest&limit=1'))).toEqual(['0'])
  })

  test('begins at a time', async () => {
    const name = await topic()
    await publish(name, [{ value: 'a' }])
    const from = async (text: string) => (await read(name, `from_time=${text}`)).json['messages']
    expect(await from('2001-01-01T00:00:00Z')).toHaveLength(1)
    expect(await from('2999-01-01T00:00:00Z')).toHaveLength(0)
  })

  test('beyond the end names the ends', async () => {
    const { status, json } = await read(await topic(), 'offset=1')
    expect(status).toBe(416)
    expect(json).toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
      fields: { earliest: '0', latest: '0' },
    })
  })

  test('gives raw records to who asks for them', async () => {
    const name = await topic()
    await publish(name, [{ key: 'k', value: 'v' }, { value: null }])
    const path = `http://127.0.0.1:${stub.port}/topics/${name}/partitions/0/messages?limit=1`
    const reply = await fetch(path, { headers: { accept: WIRE_BATCH_CONTENT_TYPE } })
    expect(reply.headers.get('content-type')).toBe(WIRE_BATCH_CONTENT_TYPE)
    expect(reply.headers.get('x-goqueue-next-offset')).toBe('1')
    expect(reply.headers.get('x-goqueue-high-watermark')).toBe('2')
    const records = [...decodeRecords(Buffer.from(await reply.arrayBuffer()))]
    expect(records).toMatchObject([{ offset: 0, key: Buffer.from('k'), value: Buffer.from('v') }])
  })

  test('does not show the records of the broker itself as messages', async () => {
    const name = await topic()
    await stub.broker.publishBatch(name, batchOf({ value: 'x', control: true }, { value: 'y' }))
    const { json } = await read(name)
    expect(json['messages']).toMatchObject([{ offset: 1, value: 'y' }])
    expect(json['next_offset']).toBe(2)
  })

  test('reads a whole topic by cursor, each message once', async () => {
    const name = await topic(3)
    const values = Array.from({ length: 30 }, (_, i) => `${i}`)
    await publish(
      name,
      values.map((value, i) => ({ value, partition: i % 3 })),
    )
    const seen: string[] = []
    let cursor = ''
    for (let page = 0; page < 20; page += 1) {
      const { json } = await stub.ask('GET', `/topics/${name}/messages?limit=4${cursor}`)
      for (const each of json['messages'] as { value: string; partition: number }[]) {
        expect(each.partition).toBe(Number(each.value) % 3)
        seen.push(each.value)
      }
      cursor = `&cursor=${json['cursor']}`
    }
    expect(seen.sort()).toEqual([...values].sort())
  })

  test('a cursor of a topic with other partitions is refused', async () => {
    const name = await topic(2)
    const { json } = await stub.ask('GET', `/topics/${name}/messages`)
    await stub.ask('DELETE', `/topics/${name}`)
    await stub.ask('POST', '/topics', { json: { name, num_partitions: 3 } })
    const again = await stub.ask('GET', `/topics/${name}/messages?cursor=${json['cursor']}`)
    expect([again.status, again.json['code']]).toEqual([400, 'INVALID_REQUEST'])
  })

  test('finds the first offset at or after a time', async () => {
    const name = await topic()
    await publish(name, [{ value: 'a' }, { value: 'b' }])
    const at = async (text: string) =>
      (await stub.ask('GET', `/topics/${name}/partitions/0/offset?time=${text}`)).json
    expect(await at('2001-01-01T00:00:00Z')).toEqual({ offset: 0, timestamp: time })
    expect(await at('2999-01-01T00:00:00Z')).toEqual({ offset: 2, timestamp: null })
  })
})

describe('health and status', () => {
  test('say that all is well', async () => {
    expect((await stub.ask('GET', '/health')).json).toEqual({ status: 'ok', timestamp: time })
    for (const path of ['/healthz', '/livez', '/v1/livez']) {
      const { status, json } = await stub.ask('GET', path)
      expect([status, json]).toEqual([
        200,
        { status: 'pass', timestamp: time, uptime: expect.any(String), message: 'running' },
      ])
    }
  })

  test('readiness names each check', async () => {
    const { status, json } = await stub.ask('GET', '/readyz?verbose=true')
    expect(status).toBe(200)
    const check = {
      status: 'pass',
      message: expect.any(String),
      latency: expect.stringMatching(/ms$/),
    }
    expect(json).toMatchObject({
      ...{ status: 'pass', broker: { node_id: 0, topic_count: expect.any(Number) } },
      checks: { broker: check, catalogue: check, partitions: check, http: check },
    })
  })

  test('tell the version, figures of topics, and metrics', async () => {
    expect((await stub.ask('GET', '/version')).json).toEqual({
      ...{ version: '1.2.3', git_commit: 'abc', node_version: process.version },
    })
    const name = await topic(2)
    await publish(name, [{ value: 'a' }])
    const { json } = await stub.ask('GET', '/stats')
    expect(json['node_id']).toBe(0)
    expect((json['topic_stats'] as Record<string, unknown>)[name]).toEqual({
      ...{ partitions: 2, total_messages: 1, total_size_bytes: 33, segments: 2 },
    })
    const metrics = await stub.ask('GET', '/metrics')
    expect(metrics.text).toBe('goqueue_up 1\n')
    expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4')
  })

  test('a part that fails takes the readiness, one that warns only the good word', async () => {
    const checks = { name: 'disk', message: 'slow' }
    for (const [status, health, readyz] of [
      ['warn', 'degraded', 200],
      ['fail', 'fail', 503],
    ] as const) {
      const other = await startHttpStub({ parts: { health: () => [{ ...checks, status }] } })
      expect((await other.ask('GET', '/health')).json['status']).toBe(health)
      expect((await other.ask('GET', '/readyz')).status).toBe(readyz)
      expect((await other.ask('GET', '/livez')).status).toBe(200)
      await other.stop()
    }
  })
})

describe('every reply', () => {
  test('bears the id of its request, the given one where it is sound', async () => {
    const id = (headers: Record<string, string>) =>
      stub.ask('GET', '/topics', { headers }).then((reply) => reply.headers.get('x-request-id'))
    expect(await id({ 'x-request-id': 'trace-7:a/b+c=' })).toBe('trace-7:a/b+c=')
    const made = await id({})
    expect(made).toMatch(/^[0-9a-z]{8}-[0-9a-z]+$/)
    expect(await id({})).not.toBe(made)
    for (const unsound of ['a b', 'x'.repeat(200), '<script>']) {
      expect(await id({ 'x-request-id': unsound })).toMatch(/^[0-9a-z]{8}-/)
    }
    const missing = await stub.ask('GET', '/nope', { headers: { 'x-request-id': 'abc' } })
    expect(missing.headers.get('x-request-id')).toBe('abc')
  })

  test('has no CORS headers unless they are asked for', async () => {
    const headers = { origin: 'http://localhost:3000' }
    const reply = await stub.ask('GET', '/topics', { headers })
    expect(reply.headers.get('access-control-allow-origin')).toBeNull()
    const open = await startHttpStub({ http: { corsOrigins: ['http://localhost:3000'] } })
    const allowed = await open.ask('GET', '/topics', { headers })
    expect(allowed.headers.get('access-control-allow-origin')).toBe('http://localhost:3000')
    const other = await open.ask('GET', '/topics', { headers: { origin: 'http://evil.example' } })
    expect(other.headers.get('access-control-allow-origin')).toBeNull()
    await open.stop()
  })

  test('to HEAD is the head of that to GET', async () => {
    const name = await topic()
    const head = await stub.ask('HEAD', `/topics/${name}`)
    const got = await stub.ask('GET', `/topics/${name}`)
    expect([head.status, head.text]).toEqual([200, ''])
    expect(head.headers.get('content-length')).toBe(got.headers.get('content-length'))
  })

  test("of an error that is nobody's fault says no more than that", async () => {
    const fatal: unknown[] = []
    const stubbed = await startHttpStub({
      wrap: (broker) => ({
        status: () => broker.status(),
        call: () => Promise.reject(new Error('secret /etc/passwd')),
      }),
      parts: { onFatal: (error) => fatal.push(error) },
    })
    const { status, json, text } = await stubbed.ask('GET', '/topics')
    expect([status, json['code']]).toEqual([500, 'UNKNOWN'])
    expect(text).not.toContain('secret')
    expect(fatal).toEqual([])
    await stubbed.stop()
  })
})
