import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type JsonBatch, readJsonBatch } from '../../../src/listeners/http/publish/jsonBatch.ts'
import { type PublishRequest, parsePublish } from '../../../src/listeners/http/publish/messages.ts'
import { BatchBuilder, decodeRecords } from '../../../src/record/index.ts'
import { baseSeed } from '../../support/random.ts'

const NOW_MS = 0

interface Flat {
  readonly key: string
  readonly value: string | null
  readonly priority: number
  readonly partition: number | undefined
}

/** What a request says, in one form for both ways of reading it. */
function flatBatch({ batch, partition, priorities }: JsonBatch): Flat[] {
  return [...decodeRecords(batch.bytes)].map(({ key, value, priority }, i) => {
    expect(priority).toBe(typeof priorities === 'number' ? priorities : priorities[i])
    return {
      key: key?.toString('hex') ?? '',
      value: value?.toString('hex') ?? null,
      priority,
      partition,
    }
  })
}

const flatMessages = ({ messages }: PublishRequest): Flat[] =>
  messages.map(({ key, value, priority = 2, partition }) => ({
    key: Buffer.from(key ?? '').toString('hex'),
    value: value === null ? null : Buffer.from(value).toString('hex'),
    priority,
    partition,
  }))

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom(
    '',
    '"',
    '\\',
    '{"a":"b\\n"}',
    '\u0000\u001f',
    '\ud800',
    '日本語',
    'a'.repeat(300),
  ),
)

const message = fc.record(
  {
    key: fc.option(text),
    value: fc.oneof({ weight: 6, arbitrary: text }, fc.constant(null), fc.jsonValue()),
    partition: fc.oneof(fc.constant(1), fc.nat(20_000), fc.constant(-1), fc.constant(1.5)),
    priority: fc.constantFrom('critical', 'high', 'normal', 0, 4, 5, 'urgent', null),
    headers: fc.dictionary(fc.string(), fc.string()),
    extra: fc.jsonValue(),
  },
  { requiredKeys: ['value'] },
)

const usual = fc.record(
  { key: fc.string(), value: text, priority: fc.constantFrom('high', 'low', 2, 3) },
  { requiredKeys: ['value'] },
)

const usualRequest = fc.record(
  {
    acks: fc.constantFrom('none', 'leader', 'all'),
    messages: fc.array(usual, { minLength: 1, maxLength: 6 }),
  },
  { requiredKeys: ['messages'] },
)

const anyRequest = fc.record(
  {
    messages: fc.array(fc.oneof(message, usual), { maxLength: 4 }),
    acks: fc.constantFrom('all', 'most', null, 1),
    more: fc.jsonValue(),
  },
  { requiredKeys: ['messages'] },
)

const damage = fc.option(fc.tuple(fc.nat(), fc.nat(255)), { freq: 1 })

/** The same request, written as clients write: indented, escaped, cut, or with a byte changed. */
const bytes = fc
  .tuple(fc.oneof(usualRequest, anyRequest), fc.constantFrom(0, 1, 2), damage)
  .map(([body, indent, change]) => {
    const json = Buffer.from(JSON.stringify(body, null, indent))
    const at = change === null ? 0 : change[0] % json.length
    if (change !== null) json[at] = change[1]
    return json
  })

function parsed(body: Buffer): PublishRequest | undefined {
  try {
    return parsePublish(body, NOW_MS)
  } catch {
    return undefined
  }
}

describe('one-pass JSON publish', () => {
  test('what it takes means what JSON.parse makes of it, for whole and for damaged requests', () => {
    let taken = 0
    fc.assert(
      fc.property(bytes, (body) => {
        const fast = readJsonBatch(body)
        if (fast === undefined) return
        taken += 1
        const slow = parsed(body)
        expect(slow).toBeDefined()
        if (slow === undefined) return
        expect(flatBatch(fast)).toEqual(flatMessages(slow))
        expect(fast.acks).toBe(slow.acks)
      }),
      { seed: baseSeed(), numRuns: 1000 },
    )
    expect(taken).toBeGreaterThan(150)
  })

  test('a request of the usual form is taken, in any order and spacing', () => {
    const read = (body: string) => readJsonBatch(Buffer.from(body))
    for (const body of [
      '{"messages":[{"value":"v"}]}',
      ' {\n"acks" : "leader",\t"messages":[ {"value" : "v" , "key":"k"} ] } \r\n',
      '{"messages":[{"value":"v","key":"k","partition":0,"priority":"high"}],"acks":"all"}',
      '{"messages":[{"key":"k","value":null},{"value":"\\"\\\\\\/\\b\\f\\n\\r\\t"}]}',
      '{"messages":[{"value":"日本語 🦆","priority":4},{"value":"","priority":"low"}]}',
    ]) {
      expect(read(body), body).toBeDefined()
    }
  })

  test('what is not of the usual form is left alone', () => {
    for (const body of [
      '',
      '{}',
      '[]',
      '{"messages":[]}',
      '{"messages":[{}]}',
      '{"messages":[{"value":"v"}],}',
      '{"messages":[{"value":"v"},]}',
      '{"messages":[{"value":"v",}]}',
      '{"messages":[{"value":"v"}]} x',
      '{"messages":[{"value":"v"}]',
      '{"messages":[{"value":"v","value":"w"}]}',
      '{"messages":[{"value":"v"}],"messages":[{"value":"w"}]}',
      '{"messages":[{"value":"\\u0041"}]}',
      '{"messages":[{"value":"a\nb"}]}',
      '{"messages":[{"value":{"a":1}}]}',
      '{"messages":[{"value":1}]}',
      '{"messages":[{"value":nul}]}',
      '{"messages":[{"value":"v","headers":{}}]}',
      '{"messages":[{"value":"v","partition":01}]}',
      '{"messages":[{"value":"v","partition":-1}]}',
      '{"messages":[{"value":"v","partition":1e2}]}',
      '{"messages":[{"value":"v","priority":"urgent"}]}',
      '{"messages":[{"value":"v","priority":7}]}',
      '{"messages":[{"value":"v","partition":1},{"value":"w"}]}',
      '{"messages":[{"value":"v"}],"acks":"most"}',
      '{"messages":[{"value":"v"}],"acks":null}',
    ]) {
      expect(readJsonBatch(Buffer.from(body)), body).toBeUndefined()
    }
  })

  test('text that is not UTF-8 is left alone', () => {
    const body = Buffer.from('{"messages":[{"value":"x"}]}')
    body[body.indexOf('x')] = 0xff
    expect(readJsonBatch(body)).toBeUndefined()
  })

  test('records are those that the builder makes', () => {
    const fast = readJsonBatch(
      Buffer.from('{"messages":[{"value":"one","key":"k1"},{"value":null,"key":"k2"}]}'),
    )
    const builder = new BatchBuilder()
    builder.add({ key: 'k1', value: 'one' })
    builder.add({ key: 'k2', value: null })
    expect(fast?.batch).toEqual(builder.take())
  })

  test('a body far larger than the last one is read as well', () => {
    const value = 'x'.repeat(3_000_000)
    const fast = readJsonBatch(Buffer.from(JSON.stringify({ messages: [{ value }] })))
    expect(fast?.batch.count).toBe(1)
    expect([...decodeRecords(fast?.batch.bytes ?? Buffer.alloc(0))][0]?.value?.length).toBe(
      value.length,
    )
  })

  test('a key over the limit of the format is left to who names it', () => {
    const messages = [{ key: 'k'.repeat(70_000), value: 'v' }]
    expect(readJsonBatch(Buffer.from(JSON.stringify({ messages })))).toBeUndefined()
  })
})
